"""The command line as a whole: help, the version, and bad usage."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import ptlab


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "lesson.txt"
    path.write_text(
        "scenario one\nmmap s0 2M\ntouch w s0 4K\n\n"
        "scenario two\nfile f 2M disk filled\nmmap s0 2M file:f\nmadvise PAGEOUT s0 2M\nnop\n"
    )
    return str(path)


COMMANDS = [
    "lab",
    "run",
    "verify",
    "record",
    "observe",
    "fuzz",
    "measure",
    "races",
    "quiz",
    "grade",
]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["run", "no/such/file.txt"], "'no/such/file.txt' is not a file"),
        (["run", "."], "'.' is not a file"),
        (["run", "halves", "--perfetto", "a.json"], "too many steps for a time line"),
        (["races", "abc", "--perfetto", "abc.json"], "give it with --play"),
        (["run", "B01_dontned_2M"], "did you mean B01_dontneed_2M"),
        (["run", "LESSON", "three"], "no scenario of LESSON is called 'three'"),
        (["run", "LESSON", "--scheme", "nope"], "invalid choice: 'nope'"),
        (["run", "LESSON", "--kernel", "5.4"], "invalid choice: '5.4'"),
        (["run", "LESSON", "--what"], "unrecognized arguments: --what"),
        (["run", "nosuch"], "is called 'nosuch': `ptlab run` in a terminal lists them all"),
        (["run", "cover-leter"], "did you mean cover-letter? `ptlab run`"),
        (["run", "halves", "B01"], "halves is a workload: run it alone"),
        (["record", "nosuch"], "`ptlab run` in a terminal lists them all"),
        (["verify", "nosuch"], "`ptlab run` in a terminal lists them all"),
        (["measure", "nosuch"], "no workload or scenario is called 'nosuch': `ptlab measure`"),
        (["measure", "halvs"], "did you mean halves?"),
        (["measure", "halves", "cover-leter"], "did you mean cover-letter?"),
        (["measure", "LESSON", "three"], "is called 'three': there are one, two"),
        (["measure", "halves", "--svg", "."], "--svg: . is a folder"),
        (["grade", "--csv", "no/such.csv"], "--csv: no/such.csv cannot be written: there is no"),
        (["grade", "--html", "no/such.html"], "--html: no/such.html cannot be written"),
        (["record"], "the following arguments are required: FILE|NAME"),
        (["verify", "--kernel", "5.4"], "invalid choice: '5.4'"),
        (["frob"], "invalid choice: 'frob'"),
    ],
)
def test_bad_usage_is_explained(capsys, lesson, args, message):
    args = [lesson if arg == "LESSON" else arg for arg in args]
    status, out, err = ptlab(capsys, *args)
    assert (status, out) == (2, "")
    assert message.replace("LESSON", lesson) in err
    assert "Traceback" not in err and len(err) < 800


def test_no_command_prints_the_help(capsys):
    status, out, _ = ptlab(capsys)
    assert status == 2
    assert "ptlab run cover-letter" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(capsys, command):
    status, out, _ = ptlab(capsys, command, "--help")
    assert status == 0
    assert f"  ptlab {command}" in out


def test_python_dash_m_and_the_version():
    run = subprocess.run(
        [sys.executable, "-m", "ptlab", "--version"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("ptlab 0.")


def test_ctrl_c_while_a_command_is_loaded_shows_no_traceback(capsys, monkeypatch):
    def interrupted(chosen):
        raise KeyboardInterrupt

    monkeypatch.setattr("ptlab.cli._parser", interrupted)
    assert ptlab(capsys, "trace", "--", "true") == (130, "", "ptlab: interrupted\n")
