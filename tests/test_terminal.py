"""What is printed fits into 80 columns, and no word or number is broken at the end of a line."""

import ast
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ptlab
from ptlab import MiB, Process
from ptlab.base.lines import WIDTH, wrapped
from ptlab.classroom import Asked, questions, seeds
from ptlab.classroom.report import Finding, Report
from ptlab.cli import _COMMANDS, main
from ptlab.cli.parser import tell
from ptlab.course import walks, words
from ptlab.kernels.judge import Difference, Result
from ptlab.observe.every_process import SharedFile
from ptlab.observe.mappings import Kind
from ptlab.observe.observation import Observation
from ptlab.race.broken_locks import InCycle
from ptlab.race.broken_rule import Verdict
from ptlab.race.explore import explore
from ptlab.race.lock_graph import Link, LockCycle
from ptlab.race.scenes import find
from ptlab.schemes import SCHEMES
from ptlab.trace.carried import carried

TEXT = "mmap s0 4M\ntouch w s0 8K\nfork 1\ntouch w s0 4K\nmadvise DONTNEED s0 2M"


def process() -> Process:
    made = Process(scheme="pte_refcount")
    for gigabyte in range(3):
        made.touch(made.mmap(8 * MiB, at=(16 << 40) + (gigabyte << 30)), 8 * MiB)
    return made


def seen(name: str) -> Observation:
    """A look at this process, and its largest file under `name`."""
    found = ptlab.observe(os.getpid())
    one = next(m for m in found.mappings if m.mapping.kind == Kind.FILE and m.pte_pages)
    many = [replace(one, mapping=one.mapping._replace(name=name))] * 40
    return replace(found, mappings=[*found.mappings, *many])


PRINTED = {
    "process": process,
    "story": lambda: ptlab.story(TEXT, "pte_refcount"),
    "comparison": lambda: ptlab.compare("sparse-memory", "unmap_only", "pt_reclaim"),
    "walk": lambda: ptlab.walk(process(), 0),
    "race": lambda: RACE,
    "verdict": lambda: Verdict(RACE.verdict.broken * 3),
    "rule": lambda: InCycle(LockCycle((LINK,) * 3)),
    "cycle": lambda: LockCycle((LINK,) * 3),
    "search": lambda: explore(find("pmd-same"), "broken"),
    "races": lambda: ptlab.races("percpu_ref", most=3, scenes=["abc", "pmd-same"]),
    "measurements": lambda: ptlab.measure("one-live-page", "unmap_only", "pt_reclaim"),
    "replay": lambda: ptlab.replay("glibc", "unmap_only", "pte_refcount"),
    "recording": lambda: carried("redis"),
    "observation": lambda: seen("/usr/lib" + "/a long folder" * 9),
    "file": lambda: SharedFile("/usr/lib/libc.so.6 of a container", 24, 2319, 3321, 4000),
    "report": lambda: Report("walk-1", 2, [WRONG]),
    "words": words,
    "walks": lambda: walks((1 << 47) - 1),
}
"""The values that ptlab gives a learner, to be printed."""

IN_A_SENTENCE = {
    "Blocked",
    "BrokenState",
    "File",
    "Hstate",
    "Link",
    "Page",
    "Place",
    "Work",
    "Vma",
}
"""Their str() is a part of a sentence. Who uses it wraps the whole."""

RACE = ptlab.race("pmd-same", schedule="AAABBBBBBBBBAA")
LINK = Link("i_mmap_rwsem", "mmap_lock", "A", 7, "munmap", ("do_munmap", "unmap_region"), "AB")
WRONG = Finding(False, "a table " * 30, 1, "you wrote 131 073", "it is 4 kB " * 20)


@cache
def value(name: str) -> object:
    """That one, made once."""
    return PRINTED[name]()


@pytest.mark.parametrize("name", PRINTED)
def test_what_is_printed_fits(name: str) -> None:
    lines = str(value(name)).splitlines()
    assert lines and [line for line in lines if len(line) > WIDTH] == []


def test_every_class_that_prints_itself_is_tried() -> None:
    """One that is added has to be in PRINTED, or to be a part of a sentence."""
    made = {kind.__name__ for name in PRINTED for kind in type(value(name)).__mro__}
    files = (file.read_text() for file in Path(ptlab.__path__[0]).rglob("*.py"))
    there = {
        one.name
        for text in files
        if "def __str__" in text
        for one in ast.walk(ast.parse(text))
        if isinstance(one, ast.ClassDef)
        and any(isinstance(d, ast.FunctionDef) and d.name == "__str__" for d in one.body)
    }
    assert there - made - {"Asked"} == IN_A_SENTENCE


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_process_fits_under_every_design(scheme: str) -> None:
    assert [line for line in str(Process(scheme=scheme)).splitlines() if len(line) > WIDTH] == []


@pytest.mark.parametrize("name", questions())
def test_a_question_fits_and_loses_no_word(name: str) -> None:
    question = questions()[name]
    asked = Asked(question, question.pose(seeds.own(name, seeds.practice_name(3))))
    assert str(asked).split() == asked.text.split()
    assert [line for line in str(asked).splitlines() if len(line) > WIDTH] == []


@pytest.mark.parametrize("arguments", ["run", "races", "run heap-and-stack", "races pmd-same"])
def test_what_a_command_prints_fits(
    arguments: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    main(arguments.split())
    lines = capsys.readouterr().out.splitlines()
    assert lines and [line for line in lines if len(line) > WIDTH] == []


def too_long(text: str) -> list[str]:
    """The lines that do not fit, although they could have been broken between words."""
    return [line for line in text.splitlines() if len(line) > WIDTH and len(line.split()) > 1]


@pytest.mark.parametrize("command", ["", *_COMMANDS])
def test_the_help_of_every_command_fits(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    with pytest.raises(SystemExit):
        main([*filter(None, [command]), "--help"])
    text = capsys.readouterr().out
    assert len(text) > 100 and too_long(text) == []


@pytest.mark.parametrize(
    "arguments",
    ["run --scheme nope halves", "run nowhere", "measure halvs", "verify --live --kernel 6.1",
     "races abd", "replay /nowhere/at/all/program.trace", "measure halves --schemes pt_reclame"],
)  # fmt: skip
def test_what_a_command_says_of_an_error_fits(
    arguments: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    try:
        assert main(arguments.split()) == 2
    except SystemExit as usage:
        assert usage.code == 2
    text = capsys.readouterr().err
    assert "ptlab" in text and too_long(text) == []


def test_what_verify_says_of_the_kernel_here_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each field of each operation differs, and so do the repetitions."""
    names = ["B01_dontneed_2M", "S20_a_write_into_a_hole_of_a_sparse_file", "H01_thp_fault"]
    found = [
        Result("6.18.37-very-long-name", name, "O", 7, [
            Difference(k, "mmap s0 1048576K file:f offset 2097152K noreserve", field, 10**12, -1)
            for k, field in enumerate(["pte_kb", "minflt", "huge_kb"])
        ], None)
        for name in names
    ]  # fmt: skip
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setattr("ptlab.cli.verify._live", lambda chosen, times: iter(found))
    assert main(["verify", "--live"]) == 1
    told = capsys.readouterr()
    assert "huge_kb is -1" in told.out and too_long(told.out + told.err) == []
    tell("B01: op 3, " + "madvise DONTNEED s0 2M: minflt was 1, 7 by turns, " * 4)
    assert too_long(capsys.readouterr().err) == []


def test_a_message_of_several_lines_keeps_them(capsys: pytest.CaptureFixture[str]) -> None:
    tell("lesson.txt:2: found '4Q'\n  touch w s0 4Q\n             ^")
    assert (
        capsys.readouterr().err
        == "ptlab: lesson.txt:2: found '4Q'\n  touch w s0 4Q\n             ^\n"
    )


@given(
    st.lists(st.sampled_from(["PTE", "page", "131 073", "0x100000000000", "(3 -> 1).", "a" * 90]))
)
def test_no_word_and_no_number_is_broken(words: list[str]) -> None:
    lines = wrapped(" ".join(words), "  7  ").splitlines()
    assert all(len(line) <= WIDTH or len(line.split()) == 1 or "a" * 90 in line for line in lines)
    assert " ".join(" ".join(lines).split()[1:]) == " ".join(words)
    assert all(not line.endswith("131") for line in lines)


def test_repr_is_one_readable_line() -> None:
    made = Process(scheme="pte_refcount")
    made.touch(made.mmap(8192))
    assert repr(made) == "<Process on Linux 6.1 with pte_refcount: VmPTE 12 kB, RSS 8 kB, 1 VMA>"
