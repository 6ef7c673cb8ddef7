"""`ptlab run`: rows as a table or as JSON, and the list of scenarios."""

import json

import pytest

from tests.support.command import ptlab
from tests.support.trace_events import events_of


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "lesson.txt"
    path.write_text(
        "scenario one\nmmap s0 2M\ntouch w s0 4K\n\n"
        "scenario two\nfile f 2M disk filled\nmmap s0 2M file:f\nmadvise PAGEOUT s0 2M\nnop\n"
    )
    return str(path)


def test_json_is_one_object_a_line(capsys, lesson):
    status, out, err = ptlab(capsys, "run", lesson, "--json")
    first, second = map(json.loads, out.splitlines())
    assert status == 0
    assert (first["scenario"], first["kernel"], first["scheme"]) == ("one", "6.18", "pt_reclaim")
    assert [step["pte_kb"] for step in first["steps"]] == [0, 12]
    (last,) = second["steps"][2:]
    assert (last["op"], last["unsupported"]) == ("madvise PAGEOUT s0 2M", True)
    assert f"two ends at {last['op']!r}: {last['why']}" in " ".join(err.split())


def test_scheme_and_kernel_choose_each_other(capsys, lesson):
    def chosen(*args):
        _, out, _ = ptlab(capsys, "run", lesson, "one", "--json", *args)
        result = json.loads(out)
        return result["kernel"], result["scheme"]

    assert chosen("--kernel", "6.12") == ("6.12", "unmap_only")
    assert chosen("--kernel", "7.3", "--scheme", "unmap_only") == ("7.3", "unmap_only")
    assert chosen("--scheme", "unmap_only") == ("6.1", "unmap_only")


def test_names_choose_scenarios_of_a_file(capsys, lesson):
    _, out, _ = ptlab(capsys, "run", lesson, "two", "one", "--json")
    assert [json.loads(line)["scenario"] for line in out.splitlines()] == ["two", "one"]


def test_a_table_for_people(capsys):
    status, out, _ = ptlab(capsys, "run", "a-refused-access-builds-nothing", "A06_sparse_512G")
    assert status == 0
    assert "a-refused-access-builds-nothing under pt_reclaim on Linux 6.18" in out
    assert "SIGSEGV x1" in out
    assert "A06_sparse_512G under pt_reclaim" in out


def test_run_without_a_name_lists_what_there_is(capsys):
    status, out, _ = ptlab(capsys, "run")
    assert status == 0
    words = " ".join(out.split())
    assert "life-of-a-pte-page the first touch builds" in words and "B01_dontneed_2M" in words
    assert "R random: R1_0000 to R1_0079" in words


def test_perfetto_writes_the_steps_of_one_scenario(capsys, lesson, tmp_path):
    out = tmp_path / "one.json"
    status, shown, _ = ptlab(capsys, "run", lesson, "one", "--perfetto", str(out))
    told = [one["args"]["sentence"] for one in events_of(out) if one["ph"] == "B" and one["args"]]
    assert status == 0 and "touch w s0 4K" in shown
    assert told[-1] == "the VMA lock of 0x100000000000 (read) is dropped."
    nowhere = str(tmp_path / "none" / "one.json")
    for names, path, says in (
        ([], out, "here are 2: name one"),
        (["one"], nowhere, "No such file or directory"),
    ):
        status, _, err = ptlab(capsys, "run", lesson, *names, "--perfetto", str(path))
        assert status == 2 and says in err
