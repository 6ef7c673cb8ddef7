"""Attacks, by class: none scores above what it deserves, sees the secret, or touches anybody else.

Their texts are in attacks/. They run as if nobody had read them first.
"""

import json
import os
import re
import runpy
from pathlib import Path
from random import Random

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell

from ptlab.classroom import find, sandbox, scheme_judge, scheme_question, seeds
from ptlab.classroom.box import way
from ptlab.classroom.box_ways import Limits
from ptlab.classroom.grading import HandIn
from ptlab.classroom.report import MIME as REPORT
from ptlab.classroom.secret import of_set
from ptlab.classroom.sets import SETS
from ptlab.classroom.solutions import scheme_answers
from ptlab.classroom.student_code import Code
from ptlab.classroom.wire_format import unpack

HERE = Path(__file__).parent / "attacks"
FEW = Limits(seconds=5, mib=512)
IN_A_FUNCTION = (HERE / "in_a_function.py").read_text()
CELLS = runpy.run_path(str(HERE / "in_a_notebook.py"))["CELLS"]
RELEASED = Path(__file__).parents[2] / "exercises/for_students/ps6_judge_the_thread/ps6.ipynb"
SECRET = "not-known-to-any-student"
KEYS = [SECRET, *(of_set(SECRET, name) for name in SETS)]

apart = pytest.mark.skipif(
    not way().namespaces, reason=f"no namespaces of its own here; in force: {way().name}"
)


def no_key(said):
    """What an attack gives back has neither the secret in it nor what is made of it."""
    assert not any(key in str(said) for key in KEYS)


def called(function, calls, text=IN_A_FUNCTION):
    """What the function of the text gives for each call at grading: a value, or why it failed."""
    with seeds.graded_with(SECRET):
        said = sandbox._called(Code("function", function, text), [(call,) for call in calls], FEW)
    no_key(said)
    return [one["failed"] if "failed" in one else unpack(one["value"]) for one in said]


@pytest.fixture(scope="module")
def names():
    (found,) = called("names", [0])
    assert len(found) > 35
    return found


@apart
def test_no_attack_of_a_function_wins_anything(names):
    told = dict(zip(names, called("run", names), strict=True))
    assert not {name for name, won in told.items() if won is True}, told
    began = {name: why for name, why in told.items() if won_nothing(why)}
    assert len(began) == len(told), set(told.items()) - set(began.items())


def won_nothing(why):
    """It came to its end, or was held off; it did not fail by a mistake of its own."""
    mistakes = ("NameError", "SyntaxError", "UnboundLocalError", "missing 1", "positional arg")
    return why is False or not any(mistake in why for mistake in mistakes)


@apart
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_no_attacks_one_after_the_other_win_anything(names, data):
    """What one leaves behind may help the next."""
    order = data.draw(st.permutations(names * 2))
    told = called("run", order)
    assert True not in told, json.dumps(list(zip(order, told, strict=True)))


FATAL = {
    "array interfaces: memory of its own choice": """
import numpy
class Array:
    __array_interface__ = {"shape": (9,), "typestr": "|O", "version": 3, "data": (4096, True)}
def f(x): return numpy.array(Array()).tolist()""",
    "buffers: far beyond the end": """
from numpy.lib.stride_tricks import as_strided
import numpy
def f(x): return as_strided(numpy.zeros(1), (10**6,), (2**40,)).tolist()[:3]""",
    "recursion: without a limit": """
import sys
def f(x):
    sys.setrecursionlimit(10**9)
    class A:
        def __repr__(self): return repr([self])
    return repr(A())""",
    "signals: the end of its time is caught": """
import signal, sys
def f(x):
    try: signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    except BaseException: pass
    while True: pass""",
    "stdout: a verdict, and then the end": """
import os
def f(x):
    for fd in range(3, 20):
        try: os.write(fd, b'{"verdict": [{"value": "WON"}]}\\n')
        except OSError: pass
    os._exit(0)""",
    "frames: what is secret, in words of its own": """
import json, sys
seen = []
def f(x):
    seen.append(x)
    if len(seen) == 1: return 0
    frame = sys._getframe()
    while "out" not in frame.f_locals: frame = frame.f_back
    frame.f_locals["out"].write(json.dumps({"stopped": f"WON {x}"}).encode() + b"\\n")
    frame.f_locals["out"].flush()
    raise SystemExit""",
    "frames: what is still to be called, in the result that a student sees": """
import sys
def f(x):
    frame, seen = sys._getframe(), []
    while frame:
        seen += map(str, frame.f_locals.values())
        frame = frame.f_back
    return "".join(seen)[-50_000:]""",
    "ids: equal to every answer": """
class Equal(tuple):
    __eq__ = lambda self, other: True
    __hash__ = __len__ = lambda self: 3
    __iter__ = lambda self: iter(Equal() * 3)
given = [Equal(), [Equal()] * 3, {1: 2}, float("nan"), iter(int, 1), type("int", (int,), {})(3)]
def f(x): return given.pop()""",
    "exception groups: with words of their own": """
class Says(Exception):
    __str__ = __repr__ = lambda self: exit() or "right"
    __class__ = property(lambda self: MemoryError)
def f(x): raise ExceptionGroup("6 of 6 lists are right", [Says()] * 3)""",
}


@pytest.fixture
def unread(monkeypatch):
    monkeypatch.setattr(sandbox, "object_to", lambda text: None)
    monkeypatch.setattr(sandbox, "object_to_use", lambda tree, kind: None)
    monkeypatch.setattr(sandbox, "LIMITS", FEW._replace(seconds=1))


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("attack", FATAL)
def test_an_attack_scores_nothing_and_stops_nobody(attack):
    question = find("walk-4")
    problem, *more = (question.pose(Random(k)) for k in range(4))
    with seeds.graded_with(SECRET):
        found = question.grade(problem, Code("function", "f", FATAL[attack]), more)
    assert sum(one.worth for one in found if one.ok) == 0
    secret = [str(question.argument(one)) for one in more]
    assert not any(word in str(found) for word in ["WON", *secret])
    no_key(found)


TELLS = """
    def __init__(self):
        begun.append(1)
        if len(begun) > 1: DOES

    def check(self, mm):
        return ["WON"] if len(begun) > 1 else []
"""


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("does", ["raise ValueError('WON')", "self.x = {}['WON']", "pass"])
def test_a_scheme_cannot_tell_what_the_secret_programs_are(does, monkeypatch):
    """It has seen them when it raises, or says what is broken."""
    monkeypatch.setattr(scheme_question, "SCENES", ())
    monkeypatch.setattr(scheme_judge, "_PLACES", (0, 2))
    question = find("scheme-1")
    problem, *more = (question.pose(Random(k)) for k in range(2))
    cell = scheme_answers.right("scheme-1") + TELLS.replace("DOES", does)
    cell = cell.replace("\nclass Answer", "\nbegun = []\n\n\nclass Answer")
    with seeds.graded_with(SECRET):
        found = question.grade(problem, scheme_answers.as_code(cell), more)
    assert "secret" in str(found) and "WON" not in str(found)
    no_key(found)


IN_NUMBERS = """
    def walk_ends(self, mm, walk, times=1, tlb=None):
        yield Step(Kind.SCAN, "x", None, 1234567 if len(begun) > 1 else 0, 1, Scan(0))
"""


@pytest.mark.usefixtures("unread")
def test_a_scheme_cannot_tell_of_the_secret_programs_by_what_it_costs(monkeypatch):
    """Entries scanned are a number of its own choice: a report must not repeat it."""
    monkeypatch.setattr(scheme_question, "SCENES", ())
    monkeypatch.setattr(scheme_judge, "_PLACES", (0, 2))
    question = find("scheme-1")
    problem, *more = (question.pose(Random(k)) for k in range(2))
    cell = scheme_answers.right("scheme-1") + TELLS.replace("DOES", "pass") + IN_NUMBERS
    cell = cell.replace('["WON"] if len(begun) > 1 else []', "[]")
    head = (
        "from ptlab.base.facts import Scan\nfrom ptlab.base.steps import Kind, Step\nbegun = []\n"
    )
    answer = scheme_answers.as_code(head + cell)
    with seeds.graded_with(SECRET):
        *_, cost = question.grade(problem, answer, more)
    assert cost.misconception == "costs-much" and not re.search(r"\d\d", cost.what)
    *_, cost = question.grade(problem, answer, more)  # in practice nothing is secret
    assert re.search(r"\d{7}", cost.what)


SOLUTIONS = "the text of the solutions"


@pytest.fixture
def course(tmp_path, monkeypatch):
    folder = tmp_path / "course"
    for name in ("source/ps6/ps6.ipynb", "gradebook.db", "nbgrader_config.py", "submitted/amy/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SOLUTIONS)
    (folder / "autograded/eve/ps6").mkdir(parents=True)
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o600)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OF_THE_GRADER", SECRET)
    return folder


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def attacked(course, cells):
    """The released notebook of set 6 with these cells before its answers, run and graded for eve."""
    notebook = nbformat.read(RELEASED, as_version=4)
    names = {"SECRET_FILE": course / "secret", "COURSE": course, "GRADER": os.getpid()}
    for place, text in enumerate(cells, 1):
        for name, value in names.items():
            text = text.replace(name, str(value))
        notebook.cells.insert(place, new_code_cell(text))
    place = str(course / "autograded/eve/ps6")
    resources = {
        "nbgrader": {"student": "eve"}, "metadata": {"path": place}, "unique_key": "ps6",
    }  # fmt: skip
    hand_in = HandIn(timeout=20, secret_file=str(course / "secret"))
    graded, _ = hand_in.preprocess(notebook, resources)
    return graded


def reports(notebook):
    checks = [cell for cell in notebook.cells if cell.id.endswith("-check")]
    return [cell.outputs[0].data[REPORT] for cell in checks]


@apart
def test_no_attack_of_a_notebook_wins_anything(course):
    before = contents(course)
    graded = attacked(course, CELLS.values())
    for name, cell in zip(CELLS, graded.cells[1:], strict=False):
        told = nbformat.writes(nbformat.v4.new_notebook(cells=[cell])).replace(cell.source, "")
        outputs = str(cell.outputs)
        assert "WON" not in outputs, (name, outputs[:500])
        no_key(told)
        assert SOLUTIONS not in outputs, name
        errors = [out for out in cell.outputs if out.output_type == "error"]
        assert not errors, (name, errors)
    found = reports(graded)
    assert [report["score"] for report in found] == [0, 0, 0]
    assert found[0]["student"] == "eve" and found[0]["left"] == ["sleep"]
    assert contents(course) == before
    no_key(nbformat.writes(graded))
    assert seeds.plain("eve") in nbformat.writes(graded)  # it is all there to be searched


@apart
@pytest.mark.parametrize(
    "end",
    [
        "import os; [os.kill(int(p), 9) for p in os.listdir('/proc') if p.isdigit() and int(p) > 1]",
        "import os\nfor k in range(6): os.fork()\nx = bytearray(1 << 30); x[::4096] = b'1' * (1 << 18)",
    ],
    ids=["signals to all of its namespace", "memory of many"],
)
def test_a_notebook_that_ends_its_box_has_the_reason_in_its_report(course, end):
    (first, *_) = reports(attacked(course, [end]))
    assert first["score"] == 0
    assert "the notebook was not run to its end: " in first["findings"][0]["what"]
