"""What is printed fits into 80 columns, and no word or number is broken at the end of a line."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ptlab
from ptlab import MiB, Process
from ptlab.base.lines import WIDTH, wrapped
from ptlab.classroom.report import Finding, Report
from ptlab.cli import _COMMANDS, main
from ptlab.cli.parser import tell
from ptlab.kernels.judge import Difference, Result
from ptlab.schemes import SCHEMES

TEXT = "mmap s0 4M\ntouch w s0 8K\nfork 1\ntouch w s0 4K\nmadvise DONTNEED s0 2M"


def process() -> Process:
    made = Process(scheme="pte_refcount")
    for gigabyte in range(3):
        made.touch(made.mmap(8 * MiB, at=(16 << 40) + (gigabyte << 30)), 8 * MiB)
    return made


def printed() -> Iterator[tuple[str, str]]:
    yield "process", str(process())
    for scheme in SCHEMES:
        yield f"process under {scheme}", str(Process(scheme=scheme))
    yield "story", str(ptlab.story(TEXT, "pte_refcount"))
    yield "comparison", str(ptlab.compare("sparse-memory", "unmap_only", "pt_reclaim"))
    yield "race", str(ptlab.race("pmd-same", schedule="AAABBBBBBBBBAA"))
    yield "measurements", str(ptlab.measure("one-live-page", "unmap_only", "pt_reclaim"))
    wrong = Finding(False, "a table " * 30, 1, "you wrote 131 073", "it is 4 kB " * 20)
    yield "report", str(Report("walk-1", 2, [wrong]))


@pytest.mark.parametrize(("name", "text"), list(printed()), ids=lambda one: str(one)[:20])
def test_what_is_printed_fits(name: str, text: str) -> None:
    long = [line for line in text.splitlines() if len(line) > WIDTH]
    assert long == [], name


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
