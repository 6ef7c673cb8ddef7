"""The recorder: this machine's kernel plays scenarios. Runs where there is one to be recorded."""

import json

import pytest

from ptlab.cli import main
from ptlab.kernels import live, recorded
from ptlab.kernels.live import Recorder, RecorderError, agreed, this_kernel, watched
from ptlab.scenario import find, parse, run

MIB = 1 << 20


@pytest.fixture(scope="module")
def kernel(recorder):
    return this_kernel(recorder)


@pytest.fixture
def play(recorder):
    def play(text):
        return recorder.play(parse(text)[0])

    return play


def column(rows, field):
    return [row[field] for row in rows]


def test_first_touches_build_tables_and_munmap_frees_them(play):
    rows = play("mmap s0 4M\ntouch w s0 4K\ntouch w s0+2M 8K\nmunmap s0 4M")
    assert column(rows, "pte_kb") == [0, 12, 16, 0]
    assert column(rows, "minflt") == [0, 1, 2, 0]
    assert column(rows, "present") == [0, 1, 3, 0]
    assert column(rows, "rss_kb") == [0, 4, 12, 0]
    assert column(rows, "vmas") == [1, 1, 1, 0]


def test_the_rows_have_the_fields_of_a_recorded_step(play):
    step = recorded("6.18")[0].steps[0]
    (row,) = play("nop")
    assert [field for field in row if field != "hugetlb_kb"] == list(step)


def test_many_accesses_at_once_count_as_one_by_one(play):
    """The recorder touches neighbouring pages with one system call, others one by one."""
    at_once = play("mmap s0 4M\ntouch w s0+100 2M\ntouch r s0 4M")
    one_by_one = play("mmap s0 4M\ntouch w s0+100 2M 4095\ntouch r s0 4M 4097")
    for row, other in zip(at_once, one_by_one, strict=True):
        assert row | {"op": ""} == other | {"op": ""}


def test_a_refused_access_is_counted_and_builds_nothing(play):
    rows = play("mmap s0 8K r\ntouch w s0 8K\ntouch w s0+1M 8K 1000\ntouch r s0+4K 8K")
    assert column(rows, "sig") == [0, 2, 9, 1]
    assert column(rows, "err") == [None, "EFAULT", "EFAULT", "EFAULT"]
    assert column(rows, "present") == [0, 0, 0, 1]


def test_beyond_the_end_of_a_file_it_is_a_bus_error(play):
    rows = play("file f 4K\nmmap s0 8K file:f\ntouch w s0 8K\nmprotect s0 8K none\ntouch w s0 8K")
    assert column(rows, "err") == [None, None, "EIO", None, "EFAULT"]
    assert column(rows, "sig") == [0, 0, 1, 0, 2]


def test_children_of_a_fork_have_rows_of_their_own(play):
    rows = play("mmap s0 2M\ntouch w s0 8K\nfork 1\nmunmap s0 2M\nforkbg\ntouch w s0 4K\nendfork")
    assert column(rows, "who") == list("ppccpppp")
    assert column(rows, "pte_kb") == [0, 12, 12, 0, 12, 12, 12, 12]
    assert column(rows, "minflt") == [0, 2, 0, 0, 0, 0, 1, 0]


def test_children_that_stay_run_their_operations_one_after_the_other(play):
    text = "mmap s0 4M shared\nforkbg 2 2\ntouch w s0 8K\nforkbg\ntouch w s0+2M 4K\nendfork"
    rows = play(text)
    assert column(rows, "who") == list("pccccccppp")
    (scenario,) = parse(text)
    for field in ("op", "who", "pte_kb", "minflt", "filepg", "rc", "err"):
        assert column(rows, field) == column(run(scenario), field), field


def test_endfork_alone_ends_nothing(play):
    assert column(play("endfork"), "err") == ["ESRCH"]


def test_a_slow_scenario_disturbs_no_reading(play):
    """Hundreds of rows, and the recorder's own tables stay what they are."""
    rows = play("mmap s0 2M\n" + "touch w s0 4K\nmadvise DONTNEED s0 4K\n" * 200)
    assert set(column(rows[1:], "pte_kb")) == {12}
    assert column(rows[1:], "minflt") == [1, 0] * 200


def test_this_kernel_is_known(kernel):
    assert kernel.release.startswith(kernel.name)
    assert kernel.scheme in ("pt_reclaim", "unmap_only")


@pytest.mark.parametrize(
    "name",
    [trace.scenario for trace in recorded("6.18") if trace.scenario != "I04_cover_50G"],
)
def test_the_recorder_says_what_the_one_in_c_said(recorder, kernel, name):
    """On the version that ptlab's recordings were made on, every field must be the same."""
    scenario = find(name)
    if kernel.name != "6.18":
        pytest.skip(f"this is Linux {kernel.name}, the recording is of 6.18")
    if reason := live.why_not(scenario, kernel):
        pytest.skip(reason)
    (trace,) = (trace for trace in recorded("6.18") if trace.scenario == name)
    unknown = {"pud", "pmd", "pte"}
    if scenario != live.beside_promises(scenario):
        pytest.skip("this machine keeps a promise of huge pages for nobody (see test_live)")
    for row, step in zip(recorder.play(scenario), trace.steps, strict=True):
        if step["present"] == -1:
            unknown |= {"present", "zeropg", "filepg", "swap"}
        unstable = {field for field in step if None in (row[field], step[field]) and field != "err"}
        known = [field for field in step if field not in unknown | unstable]
        assert {field: row[field] for field in known} == {field: step[field] for field in known}


def test_disagreeing_repetitions_are_reported_not_averaged():
    plays = [[{"op": "nop", "minflt": faults, "err": None}] for faults in (3, 4, 3)]
    (row,) = agreed(plays)
    assert row == {"op": "nop", "minflt": None, "err": None, "unstable": {"minflt": [3, 4, 3]}}
    assert agreed([plays[0], plays[0]]) == plays[0]


def test_only_what_can_have_entries_is_read():
    s0, s1 = (0x100000000000 + slot * (512 << 30) for slot in (0, 1))

    def read(text):
        return watched(parse(text)[0])

    assert read("mmap s0 4T\nmadvise DONTNEED s0 4T") == []
    assert read("touch w s0+4K 4K") == [(s0, s0 + 2 * MIB)]
    assert read("touch w s0 1T 512G") == [(s0, s0 + 2 * MIB), (s1, s1 + 2 * MIB)]
    assert read("touch w s0 3M 1M\nmremap s0+2M 2M 2M to s1") == [
        (s0, s0 + 4 * MIB),
        (s1, s1 + 2 * MIB),
    ]
    locked_heap = "touch w s0 4K\nheap s1+3M\nmlockall future\nbrk s1+9M"
    assert read(locked_heap) == [(s0, s0 + 2 * MIB), (s1 + 2 * MIB, s1 + 10 * MIB)]


def test_a_file_that_was_not_made_is_bad_input(recorder):
    with pytest.raises(RecorderError, match=r"line 2, 'mmap s0 4K file:g': no file op made 'g'"):
        recorder.play(parse("file f 4K\nmmap s0 4K file:g")[0])


def test_the_command_prints_one_object_a_line(recorder, capsys):
    assert main(["record", "B01_dontneed_2M", "A02_first_touch", "--times", "2"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["scenario"], second["scenario"]) == ("B01_dontneed_2M", "A02_first_touch")
    assert first["unstable"] == []
    assert column(second["steps"], "pte_kb") == [0, 12, 12, 12, 0]


def test_the_command_says_what_did_not_agree(recorder, capsys, monkeypatch):
    row = {"op": "nop", "minflt": None, "unstable": {"minflt": [1, 2]}}
    monkeypatch.setattr(Recorder, "record", lambda self, scenario, times: [dict(row)])
    assert main(["record", "A02_first_touch"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["unstable"] == ["minflt"]
    assert "A02_first_touch: op 0, nop: minflt was 1, 2 by turns" in err


@pytest.mark.parametrize("command", ["record", "fuzz"])
def test_elsewhere_the_command_says_why_it_cannot(command, capsys, monkeypatch):
    monkeypatch.setattr(live.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(live.platform, "machine", lambda: "arm64")
    assert main([command, *(["A02_first_touch"] if command == "record" else [])]) == 2
    assert "this is Darwin on arm64: recording needs Linux on x86-64" in capsys.readouterr().err
