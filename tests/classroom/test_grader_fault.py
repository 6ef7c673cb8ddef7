"""What goes wrong with the grader's machine stops the grading, loudly, and costs nobody points."""

import itertools
import sys
import threading
from pathlib import Path
from random import Random

import pytest

from ptlab import classroom
from ptlab.classroom import box, box_process, find, sandbox, scheme_judge, self_test
from ptlab.classroom.box import way
from ptlab.classroom.box_process import Stopped
from ptlab.classroom.box_ways import WAYS, Limits
from ptlab.classroom.grader_fault import GraderFault, Usage, oom_kills, usage
from ptlab.classroom.notebook_run import run_notebook
from ptlab.classroom.scheme_question import Program
from ptlab.classroom.solution import instructors
from ptlab.classroom.solutions import scheme_answers
from ptlab.classroom.student_code import Code
from tests.support.boxes import running

apart = pytest.mark.skipif(
    not way().namespaces, reason=f"no namespaces of its own here; in force: {way().name}"
)
linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
MASK = "signal.pthread_sigmask(signal.SIG_SETMASK, ())\n        os.exec"
NO_NULL = "def _hide(spec):\n    raise OSError(2, 'no /dev/null')\n\n\ndef _old(spec"
BROKEN = {
    "no file system": ("def _hide(spec", NO_NULL),
    "no process in it": ("child = os.fork()", "raise OSError(11, 'no pid is left')"),
    "no Python in it": ("os.execv(command[0]", "os.execv('/nowhere'"),
    "less memory than an answer may have": ("hard = resource.getrlimit(what)[1]", "hard = 9"),
    "no users": ("if failed:", "if True:"),
    "it ends by itself": (MASK, f"os._exit(3)\n        {MASK}"),
    "the watch in it fails": ("ended = _reap(child", "ended = 1 / 0 + len(child"),
}


def honest(name):
    """Grade the right answer to a problem."""
    question = find(name)
    problem = question.pose(Random(7))
    return question.grade(problem, question.solve(problem))


@apart
@pytest.mark.parametrize("fault", BROKEN)
def test_a_box_that_cannot_be_made_is_no_answers_fault(fault, tmp_path, monkeypatch):
    text, (old, new) = box._CONFINE.read_text(), BROKEN[fault]
    assert text.count(old) == 1
    broken = tmp_path / "confine.py"
    broken.write_text(text.replace(old, new))
    monkeypatch.setattr(box, "_CONFINE", broken)
    with pytest.raises(GraderFault):
        honest("walk-4")
    with pytest.raises(GraderFault):
        run_notebook({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, 5, None, [])
    with pytest.raises(SystemExit, match="Nothing was graded, because this machine fails"):
        self_test.try_this_machine([])


def no_more(*args, **kwargs):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("what", ["tempfile.mkdtemp", "os.pipe", "subprocess.Popen"])
def test_a_machine_that_has_no_more_of_something_is_no_answers_fault(what, monkeypatch):
    way()
    monkeypatch.setattr(f"ptlab.classroom.box.{what}", no_more)
    for name in ("walk-4", "scheme-1"):
        with pytest.raises(GraderFault, match="No space left"):
            honest(name)


def test_a_machine_without_a_thread_for_the_clock_is_no_answers_fault(monkeypatch):
    way()
    monkeypatch.setattr(threading.Thread, "start", lambda self: exec("raise RuntimeError('no')"))
    with pytest.raises(GraderFault, match="cannot start another Python"):
        honest("walk-4")


@linux
def test_memory_that_was_promised_and_is_not_there_is_no_answers_fault():
    """All of it is asked for before the answer begins."""
    if Path("/proc/sys/vm/overcommit_memory").read_text().strip() == "1":
        pytest.skip("this system promises any amount")
    double = Code("function", "f", "def f(x):\n    return 2 * x\n")
    with pytest.raises(GraderFault, match="does not give the 90000000 MiB that an answer may use"):
        sandbox.values(double, [(1,)], Limits(mib=90_000_000))


def test_what_the_system_ends_for_want_of_memory_is_no_answers_fault(monkeypatch):
    killed = "import os\nos.kill(os.getpid(), 9)"
    for kills, error in ((itertools.repeat(3), Stopped), (itertools.count(), GraderFault)):
        monkeypatch.setattr(box_process, "oom_kills", kills.__next__)
        with running(killed) as inside, pytest.raises(error):
            inside.receive()
    assert oom_kills() >= 0


@pytest.mark.parametrize(("waits", "error"), [(0, Stopped), (1, GraderFault)])
def test_time_that_was_not_to_be_had_is_no_answers_fault(waits, error, monkeypatch):
    clock = box_process.monotonic
    monkeypatch.setattr(box_process, "usage", lambda pid: Usage(0, waits * clock()))
    sleeps = "import time\ntime.sleep(60)"
    with running(sleeps, Limits(seconds=-1)) as inside, pytest.raises(error):
        inside.receive()


def test_a_cell_that_was_stopped_on_a_machine_too_busy_is_no_answers_fault(monkeypatch):
    clock = box_process.monotonic
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
    cell["source"] = "while True: pass"
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    monkeypatch.setattr(box_process, "usage", lambda pid: Usage(0, clock()))
    with pytest.raises(GraderFault, match="too much to do"):
        run_notebook(notebook, 1, None, [])


def test_only_who_got_little_and_wanted_more_was_starved():
    begin = Usage(10, 10)
    assert Usage(12, 18).starved(begin, 10)
    assert not Usage(10, 10).starved(begin, 10)  # asleep
    assert not Usage(20, 10).starved(begin, 10)  # in a loop
    assert not Usage(30, 90).starved(begin, 10)  # its own threads wait for each other


@linux
def test_what_a_process_has_had_of_a_processor_is_seen(monkeypatch):
    monkeypatch.setattr(box_process, "usage", usage)  # the others do without it
    with running("x = 0\nwhile True: x += 1", Limits(seconds=-1)) as inside:
        before = usage(inside.child.pid)
        with pytest.raises((Stopped, GraderFault)):  # whether this machine is busy or not
            inside.receive()
    assert inside._looked[0].used > before.used
    assert usage(inside.child.pid) == Usage(0, 0)  # it is gone


@pytest.mark.parametrize("error", [MemoryError(), OSError(12, "Cannot allocate memory")])
def test_a_judge_that_fails_is_no_answers_fault(error, monkeypatch):
    def fails(*args, **kwargs):
        raise error

    monkeypatch.setattr(scheme_judge, "parse", fails)
    question = find("scheme-1")
    problem = Program("mmap s0 2M", 0, 0, 0, 0, 0)
    with pytest.raises(GraderFault, match="the judge itself has failed"):
        question.grade(problem, scheme_answers.as_code(scheme_answers.right("scheme-1")))


def test_at_home_a_check_says_that_this_machine_is_at_fault(monkeypatch, capsys):
    way()
    monkeypatch.setattr("ptlab.classroom.box.subprocess.Popen", no_more)
    classroom.student("amy7")
    answer = Code("function", "tables_for", "def tables_for(pages):\n    return 1, 1, 1\n")
    report = classroom.check("walk-4", answer)
    assert not report.full and "was not judged, and that is not its fault" in str(report)


def test_an_honest_answer_of_each_kind_passes_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    self_test.try_this_machine([tmp_path])
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_graded_without_the_solutions(monkeypatch):
    monkeypatch.setattr(self_test, "instructors", lambda: None)
    with pytest.raises(SystemExit, match=r"pip install -e '\.\[teach\]'"):
        self_test.try_this_machine([])
    assert instructors()


def test_nothing_is_graded_where_a_submission_could_read_the_solutions(monkeypatch, tmp_path):
    monkeypatch.setattr(self_test, "instructors_part", lambda: [tmp_path])
    monkeypatch.setattr(self_test, "way", lambda: WAYS[2])
    tmp_path.chmod(0o755)
    with pytest.raises(SystemExit, match=f"chmod 700 {tmp_path}"):
        self_test.try_this_machine([])
    tmp_path.chmod(0o700)
    assert not self_test._solutions()
    monkeypatch.setattr(self_test, "way", lambda: WAYS[0])
    tmp_path.chmod(0o755)
    assert not self_test._solutions()
