"""The scenario language: what it reads, what it refuses, and the rows that playing leaves."""

import pytest

from ptlab.scenario import ScenarioError, parse
from ptlab.scenario.operations.files import MakeFile


def one_op(text):
    (only,) = parse(text)
    (op,) = only.ops
    return op


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
        forkbg 2 1
        nop
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
        ("mprotect s0 4K q", 1, 16, "'q'", "one of none, r, rw"),
        ("mremap s0 4K 4K to", 1, 20, "the end of the line", "NEWADDR"),
        ("file f 4K memfd disk", 1, 17, "'disk'", "nothing that contradicts"),
        ("nop\nfork 2\nnop", 2, 6, "'2'", "N of at most 1"),
        ("forkbg 9 2\nnop", 1, 10, "'2'", "N of at most 1"),
        ("forkbg 2", 1, 10, "the end of the line", "N, a sum of terms"),
        ("fork 2\nfork 2\nnop\nnop", 2, 6, "'2'", "N of at most 1"),
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
