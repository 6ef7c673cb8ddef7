"""The scenario language: what it reads, what it refuses, and the rows that playing leaves."""

import itertools

import pytest

from ptlab import Process, scenario
from ptlab.scenario import ScenarioError, parse
from ptlab.scenario.builtin import UnknownScenario, builtin
from ptlab.scenario.operations.files import MakeFile

COUNTS = {
    *("pud", "pmd", "pte", "pte_kb", "rss_kb", "anon_kb", "huge_kb", "vmas"),
    *("minflt", "present", "zeropg", "filepg", "swap", "rc", "sig"),
}
GRAINS = ("entry", "table", "range")


def one_op(text):
    (only,) = parse(text)
    (op,) = only.ops
    return op


def play(text, **kernel):
    return scenario.run(parse(text)[0], **kernel)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("123", 123),
        ("0x10", 16),
        ("4K", 4096),
        ("5P", 5 * 4096),
        ("0x10K", 16 << 10),
        ("1G+2M-4K", (1 << 30) + (2 << 20) - 4096),
        ("s0", 16 << 40),
        ("s3+3T", (16 << 40) + 3 * (512 << 30) + (3 << 40)),
        ("-4K+s1", (16 << 40) + (512 << 30) - 4096),
    ],
)
def test_numbers_are_sums_and_differences(text, value):
    assert one_op(f"munmap {text} 4K").addr == value


def test_mmap_keeps_huge_pages_out_unless_told_otherwise():
    assert one_op("mmap s0 2M").advice == "NOHUGEPAGE"
    assert one_op("mmap s0 2M thp").advice == "HUGEPAGE"
    assert one_op("mmap s0 2M keepthp").advice is None


def test_mmap_of_files():
    shared = one_op("mmap s0 2M r file:f:4K")
    assert (shared.file, shared.offset, shared.shared, shared.prot) == ("f", 4096, True, "r")
    private = one_op("mmap s0 2M pfile:f over")
    assert (private.file, private.offset, private.shared, private.over) == ("f", 0, False, True)


def test_every_verb_of_the_language_is_read():
    text = """
        file f 4M memfd filled     # a comment
        mmap s0 4M none shared noreserve populate
        touch r s0 8K 64K
        madvise GUARD_INSTALL s0 2M
        madvise_each DONTNEED s0 2M 4K
        mprotect s0 4K rw
        mlock s0 4K
        munlock s0 4K
        mremap s0 4M 8M to s1 dontunmap
        truncate f 0
        punch f 0 2M
        alloc f 0 2M
        fork 1
        nop
        forkbg
        endfork
        cover s0 4M
        munmap s0 4M
    """
    (read,) = parse(text, "lesson.txt")
    assert read.name == "lesson"
    assert [op.verb for op in read.ops] == [
        line.split()[0] for line in text.splitlines() if line.strip()
    ]
    assert read.ops[0] == MakeFile("file f 4M memfd filled", 2, 9, "f", 4 << 20, False, True)


def test_scenarios_have_names_groups_and_descriptions():
    first, second = parse("scenario a\ngroup G x\ndesc why not\nnop\nscenario b\nnop\nnop\n")
    assert (first.name, first.group, first.description, len(first.ops)) == (
        "a",
        "G x",
        "why not",
        1,
    )
    assert (second.name, second.group, second.description, len(second.ops)) == ("b", "", "", 2)


@pytest.mark.parametrize(
    ("text", "line", "column", "found", "expected"),
    [
        ("nop\n  tuch w s0 4K", 2, 3, "'tuch'", "did you mean touch?"),
        ("mmap s0", 1, 9, "the end of the line", "LEN"),
        ("mmap s0 2X", 1, 9, "'2X'", "LEN, a sum of terms like 4096"),
        ("mmap s0 1G+2Q", 1, 11, "'1G+2Q'", "LEN, a sum of terms"),
        ("mmap s0 4K2M", 1, 9, "'4K2M'", "LEN, a sum of terms"),
        ("mmap 010 4K", 1, 6, "'010'", "ADDR, a sum of terms"),
        ("munmap 4K-8K 4K", 1, 8, "'4K-8K'", "ADDR from 0 to 2^64 - 1, not -4096"),
        ("munmap 99999999T 4K", 1, 8, "'99999999T'", "ADDR from 0 to 2^64 - 1"),
        ("munmap s0 4K 4K", 1, 14, "'4K'", "the end of the line"),
        ("mmap s0 2M sharde", 1, 12, "'sharde'", "an option of mmap"),
        ("mmap s0 2M r rw", 1, 14, "'rw'", "no second word for protection after 'r'"),
        ("mmap s0 2M file:f:x", 1, 19, "'file:f:x'", "OFF, a sum"),
        ("mmap s0 2M file:", 1, 17, "'file:'", "the name of a file"),
        ("touch x s0 4K", 1, 7, "'x'", "one of r, w"),
        ("touch w s0 4K 0", 1, 15, "'0'", "STRIDE from 1"),
        ("cover s0 4M 0", 1, 13, "'0'", "CHUNK from 1"),
        ("madvise DONTNED s0 4K", 1, 9, "'DONTNED'", "did you mean DONTNEED?"),
        ("mprotect s0 4K x", 1, 16, "'x'", "one of none, r, rw"),
        ("mremap s0 4K 4K to", 1, 20, "the end of the line", "NEWADDR"),
        ("file f 4K memfd disk", 1, 17, "'disk'", "nothing that contradicts"),
        ("nop\nfork 2\nnop", 2, 6, "'2'", "N of at most 1"),
        ("scenario", 1, 10, "the end of the line", "NAME"),
        ("scenario a\nnop\nscenario a\nnop", 3, 10, "'a'", "a new name (line 1 has this one)"),
        ("nop\nscenario a\nnop", 2, 1, "'scenario'", "put a scenario line before them"),
        ("# nothing", 1, 1, "no op", "a 'scenario NAME' line or an op"),
    ],
)
def test_bad_text_is_refused_with_its_place(text, line, column, found, expected):
    with pytest.raises(ScenarioError) as caught:
        parse(text, "lesson.txt")
    error = caught.value
    assert (error.source, error.line, error.column, error.found) == (
        *("lesson.txt", line, column),
        found,
    )
    assert expected in error.expected
    assert str(error).startswith(f"lesson.txt:{line}:{column}: found {found}, expected ")


def test_the_error_points_at_the_word_and_says_the_usage():
    with pytest.raises(ScenarioError) as caught:
        parse("\tmunmap\ts0 2Z", "x.txt")
    _, text, caret, usage = str(caught.value).splitlines()
    assert text == "    \tmunmap\ts0 2Z"
    assert caret == "    \t      \t   ^"
    assert usage == "    usage: munmap ADDR LEN"


def test_a_built_in_scenario_is_found_by_name():
    assert scenario.find("B01_dontneed_2M").group == "B DONTNEED"
    assert scenario.find("cover-letter").ops[1].text == "cover s0 50G"
    with pytest.raises(UnknownScenario, match="did you mean B01_dontneed_2M"):
        scenario.find("B01_dontned_2M")
    with pytest.raises(UnknownScenario, match="did you mean B01_dontneed_2M"):
        scenario.find("b01")


def test_the_life_of_a_pte_page_differs_by_scheme():
    life = scenario.find("life-of-a-pte-page")
    tables = {
        scheme: [row["pte"] for row in scenario.run(life, scheme=scheme)]
        for scheme in ("unmap_only", "pte_refcount", "pt_reclaim")
    }
    assert tables["unmap_only"] == [0, 1, 1, 1, 0]
    assert tables["pte_refcount"] == [0, 1, 1, 0, 0]
    assert tables["pt_reclaim"] == [0, 1, 1, 0, 0]


def test_every_teaching_scenario_is_modelled_to_its_end():
    for each in builtin().values():
        if each.group == "teaching" and each.name != "cover-letter":
            rows = scenario.run(each)
            assert [row["op"] for row in rows] == [op.text for op in each.ops]
            assert not any("unsupported" in row for row in rows)
            assert rows[-1]["pte_kb"] == 0


def test_a_row_has_the_fields_of_a_recorded_step():
    for row in play("mmap s0 2M\ntouch w s0 8K"):
        assert set(row) == COUNTS | {"op", "who", "err"}
        assert {type(row[field]) for field in COUNTS} == {int}
    assert row["op"] == "touch w s0 8K"
    assert (row["pud"], row["pmd"], row["pte"], row["pte_kb"], row["minflt"]) == (1, 1, 1, 12, 2)
    assert (row["present"], row["rss_kb"], row["vmas"], row["rc"], row["err"]) == (2, 8, 1, 0, None)


def test_a_refused_access_has_efault_and_is_counted():
    row = play("mmap s0 1M\ntouch w s0 1028K")[-1]
    assert (row["rc"], row["err"], row["sig"], row["minflt"]) == (-1, "EFAULT", 1, 256)


def test_an_unaligned_address_is_for_the_kernel_to_refuse():
    rows = play("mmap s0 2M\nmunmap s0+1 4K\nmadvise DONTNEED s0+1 4K\nmmap s0 4K\nnop")
    assert [row["err"] for row in rows] == [None, "EINVAL", "EINVAL", "EEXIST", None]
    assert rows[-1]["vmas"] == 1


def test_a_loop_goes_on_after_an_error():
    row = play("mmap s0 1M\nmmap s0+2M 1M\ntouch w s0 1M\ntouch w s0+2M 1M\n"
               "madvise_each DONTNEED s0 3M 1M")[-1]  # fmt: skip
    assert (row["rc"], row["err"], row["present"]) == (-1, "ENOMEM", 0)


def test_what_is_not_modelled_ends_the_scenario():
    rows = play("file f 2M disk\nmmap s0 2M file:f\ntouch r s0 4K\nnop\nmunmap s0 2M")
    assert [row["op"] for row in rows] == ["file f 2M disk", "mmap s0 2M file:f", "touch r s0 4K"]
    assert rows[-1] == {"op": "touch r s0 4K", "who": "p", "unsupported": True}


def test_numbers_count_from_the_beginning_of_the_scenario():
    process = Process(kernel="6.1")
    process.touch(process.mmap(4096))
    (other,) = parse("mmap s1 4K\ntouch w s1 4K\nmunmap s1 4K")
    assert [row["pte"] for row in scenario.play(process, other)] == [0, 1, 0]


def test_grains_leave_the_same_rows():
    for name in ("B04_dontneed_unaligned", "C09_munmap_middle", "B15_dontneed_over_hole"):
        rows = [scenario.run(scenario.find(name), grain=grain) for grain in GRAINS]
        assert all(one == other for one, other in itertools.pairwise(rows))


def test_progress_of_a_loop():
    (loop,) = parse("mmap s0 8M noreserve\ncover s0 8M")
    calls = []
    scenario.run(loop, progress=lambda done, total: calls.append((done >> 20, total >> 20)))
    assert calls == [(2, 8), (4, 8), (6, 8), (8, 8)]


def test_a_file_that_nobody_made_is_named_with_its_line():
    with pytest.raises(ScenarioError, match=r"scenario:2:1: found file 'f', expected a file made"):
        play("mmap s0 2M\ntruncate f 4K")
