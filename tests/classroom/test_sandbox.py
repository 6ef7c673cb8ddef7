"""Answers that are code: what they may do, what stops the others, and that no score comes of it."""

import functools
import linecache
import textwrap
from decimal import Decimal

import numpy as np
import pytest

from ptlab import classroom
from ptlab.classroom import sandbox
from ptlab.classroom.ask import graded
from ptlab.classroom.box_process import Stopped
from ptlab.classroom.box_ways import Limits
from ptlab.classroom.sandbox import Failed, scheme, values
from ptlab.classroom.scheme_judge import measured, run
from ptlab.classroom.seeds import own
from ptlab.classroom.solutions import scheme_answers
from ptlab.classroom.student_code import Code, object_to
from ptlab.classroom.wire_format import NotCarried, pack, unpack

FEW = Limits(seconds=1, mib=512)


def function(text, name="f"):
    return Code("function", name, textwrap.dedent(text))


def stopped(text, calls=((1,),), limits=FEW):
    with pytest.raises(Stopped) as why:
        values(function(text), calls, limits)
    return str(why.value)


def unread(text, calls=((1,),), limits=FEW):
    """The text runs as if nobody had read it first: what the process itself holds off."""
    try:
        (said,) = sandbox._called(function(text), calls, limits)
    except Stopped as why:
        return str(why)
    return said.get("failed") or unpack(said["value"])


# -- what is right runs --


def test_values_come_back_as_they_were():
    text = "from math import pi\n\ndef helper(x):\n    return {x: (1, [2.5], {3})}\n\n"
    assert values(
        function(f"{text}def f(x, y):\n    return helper(x), y"), [(1, "a"), (None, pi)]
    ) == [
        ({1: (1, [2.5], {3})}, "a"),
        ({None: (1, [2.5], {3})}, pi),
    ]


pi = 3.141592653589793


def test_a_call_that_raises_is_told_with_its_line_and_the_others_count():
    text = "def f(x):\n    return {1: 1}[x]"
    assert values(function(text), [(0,), (1,)]) == [
        Failed("it raised KeyError in line 2 of the cell: 0"),
        1,
    ]


def test_a_live_function_is_found_by_the_text_of_its_cell():
    cell = "import math\n\ndef area(r):\n    return math.floor(math.pi * r)\n\nprint(area(1))\n"
    linecache.cache["<cell>"] = (len(cell), None, cell.splitlines(keepends=True), "<cell>")
    names = {}
    exec(compile(cell, "<cell>", "exec"), names)
    assert values(names["area"], [(2,)]) == [6]


def test_what_has_no_text_is_refused_in_words():
    with pytest.raises(
        Stopped, match=r"a function is wanted, by its name alone, .*; this is of type int"
    ):
        values(3, [(1,)])
    with pytest.raises(Stopped, match="this is of type builtin_function_or_method"):
        values(len, [(1,)])
    with pytest.raises(Stopped, match="this is a function that no cell defines with `def`"):
        values(unpack(pack(lambda x: x)), [(1,)])
    with pytest.raises(Stopped, match="a function is wanted, and C is a class"):
        values(Code("class", "C", "class C:\n    def f(self): pass"), [(1,)])


# -- limits --


def test_an_endless_loop():
    assert "was stopped" in stopped("def f(x):\n    while True: pass")


def test_an_endless_loop_that_catches_everything():
    text = "def f(x):\n    while True:\n        try: f(x)\n        except BaseException: pass"
    assert "was stopped" in stopped(text)


def test_memory():
    assert "needs more than 512 MiB" in stopped("def f(x):\n    return [0] * 10**10")


def test_a_huge_string_is_not_carried_back():
    assert values(function("def f(x):\n    return 'a' * x"), [(10**6,)], FEW) == [
        NotCarried("a text of 1000000 characters")
    ]


def test_huge_numbers_and_deep_lists_are_not_carried_back():
    text = "def f(x):\n    return 10**9999 if x else [[]] * 10**6"
    number, deep = values(function(text), [(1,), (0,)], FEW)
    assert number == NotCarried("a number with 33216 bits")
    assert deep == NotCarried("something very large or deeply nested")


def test_too_many_results_are_cut_off():
    assert "more than 1 MiB" in stopped("def f(x):\n    return ['a' * 50_000] * 40")


def test_endless_recursion():
    (found,) = values(function("def f(x):\n    return f(x)"), [(1,)], FEW)
    assert "RecursionError" in found.why


# -- the text is read first --


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import os\nos._exit(0)", "line 1 imports os: an answer may import"),
        ("from ptlab.classroom import sandbox", "imports ptlab.classroom"),
        ("import ptlab\nptlab.classroom.check = 3", "line 2 sets ptlab.classroom.check"),
        ("from ptlab import Process\nProcess.check = print", "line 2 sets Process.check"),
        (
            "from ptlab.costs.meter import LOCKS\nLOCKS['ptl'] = 0",
            "line 2 changes something in LOCKS",
        ),
        ("import random\nx = random._os", "line 2 uses _os"),
        ("x = ().__class__", "line 1 uses __class__"),
        ("x = getattr(3, 'real')", "line 1 uses getattr"),
        ("x = (i for i in ()).gi_frame", "line 1 uses gi_frame"),
        ("x = '{0.__class__}'", "line 1 has a text with two underscores"),
        ("from functools import wraps", "line 1 imports wraps from functools"),
        ("def f(:", "it is no Python that can be read"),
        ("x = 1\n" * 3 + "eval('1')\ny = eval('1')", "line 5 uses eval"),
    ],
)
def test_the_text_may_not_reach_out(text, why):
    assert (object_to(text) or "").startswith(why) or why in (object_to(text) or "")


def test_the_right_schemes_of_set_5_are_allowed():
    for text in map(scheme_answers.right, ("scheme-1", "scheme-2", "scheme-3")):
        assert object_to(text) is None


# -- and the process holds off what reading has missed --


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import os\ndef f(x): os._exit(0)", "its process ended before it had answered"),
        ("import os\ndef f(x): return os.fork()", "it calls os.fork: an answer may not"),
        ("import os\ndef f(x): return os.kill(os.getppid(), 9)", "it calls os.kill"),
        ("import socket\ndef f(x): return socket.socket()", "it calls socket.__new__"),
        ("def f(x): return open('/tmp/x', 'w')", "it opens a file"),
        ("def f(x): return open('/proc/self/environ').read()", "it opens a file"),
        ("import time\ndef f(x): time.sleep(100)", "did not end within 5 s"),
        (
            "import os\ndef f(x):\n    for fd in range(3, 20):\n"
            '        try: os.write(fd, b\'["", {"verdict": [{"value": 7}]}]\')\n'
            "        except OSError: pass\n    os._exit(0)",
            "its process ended before it had answered",
        ),
    ],
)
def test_the_process_holds_off(text, why):
    assert why in unread(text, limits=FEW)


def test_nothing_of_the_grader_s_environment_is_in_the_process(monkeypatch):
    monkeypatch.setenv("OF_THE_GRADER", "secret")
    names = unread("import os\ndef f(x): return sorted(os.environ)")
    assert "PATH" in names and "OF_THE_GRADER" not in names


# -- nothing of it is a score --

IN_PIECES = scheme_answers.right("scheme-1")
FORGER = IN_PIECES.replace("def zapped", "print('{\"verdict\": 6}')\n\n    def zapped")


def cell(methods):
    head = IN_PIECES[: IN_PIECES.index("    def ")]
    return scheme_answers.as_code(head + textwrap.indent(textwrap.dedent(methods), "    "))


@pytest.mark.parametrize(
    ("methods", "why"),
    [
        ("def __init__(self):\n    raise RuntimeError('no')", "it raised RuntimeError in line"),
        ("def zapped(self, *rest):\n    return [0] * 10**10", "needs more than"),
        ("def zapped(self, *rest):\n    return iter(int, 1)", "yields something that is no step"),
        ("def check(self, mm):\n    import os; os._exit(0)", "imports os"),
        ("def check(self, mm):\n    mm.check = None", "sets mm.check"),
        ("def __getattribute__(self, name):\n    raise KeyError(name)", "it frees no PTE page"),
        ("def __eq__(self, other):\n    raise RuntimeError", "it frees no PTE page"),
        ("def __repr__(self):\n    raise RuntimeError", "it frees no PTE page"),
    ],
)
def test_a_hostile_scheme_gets_no_points(methods, why):
    question = classroom.find("scheme-1")
    problem = question.pose(own("scheme-1", "mallory"))
    found = question.grade(problem, cell(methods))
    assert sum(f.worth for f in found if f.ok) == 0
    assert any(part in found[0].what for part in why.split("|")), found


PROGRAM = "mmap s0 2M\ntouch w s0 2M\nmadvise DONTNEED s0 2M"


def test_a_scheme_that_does_not_end_is_stopped():
    endless = cell("def zapped(self, mm, *rest):\n    while True: pass")
    with (
        pytest.raises(Stopped, match="was stopped"),
        scheme(endless, FEW) as design,
    ):
        run(design, PROGRAM)


def test_what_a_scheme_prints_is_nothing_that_it_does():
    with scheme(scheme_answers.as_code(FORGER)) as design:
        found = run(design, PROGRAM)
    assert (found.freed, found.end_kb) == (1, measured("write_scan", PROGRAM).end_kb)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("class Answer:\n    def f(self): pass", "a subclass of ReclaimScheme is wanted"),
        (
            "from ptlab.schemes import PtReclaim\nclass Answer(PtReclaim):\n    def f(self): pass",
            "line 1 uses ptlab.schemes.PtReclaim",
        ),
        (
            "from ptlab import ReclaimScheme\nclass Answer(ReclaimScheme):\n    name = 5\n    f = 0",
            "its name is not a string",
        ),
    ],
)
def test_what_is_no_scheme_is_refused(text, why):
    with pytest.raises(Stopped, match=why), scheme(scheme_answers.as_code(text)):
        pass


@functools.cache
def hostile():
    """Answers that a check has to survive. They are made here, because pytest looks at all it finds."""

    class Raises:
        def __eq__(self, other):
            raise RuntimeError

        def __repr__(self):
            raise RuntimeError

        __hash__ = __len__ = __iter__ = __float__ = __int__ = __bool__ = __str__ = __repr__

    class Meta(type):
        def __getattribute__(cls, name):
            raise RuntimeError

        def __eq__(cls, other):
            return True

        def __hash__(cls):
            raise RuntimeError

    class Equal(float):
        def __eq__(self, other):
            return True

        __hash__ = float.__hash__

    class Item(np.float64):
        def item(self):
            raise RuntimeError

    Metal = Meta("Metal", (), {"__getattribute__": Raises.__repr__})

    loop = []
    loop.append(loop)
    deep = []
    for _ in range(10**5):
        deep = [deep]
    huge = np.broadcast_to(np.int64(1), (10**5, 10**5))  # one number in memory, 80 GB as a list
    numpy = [huge, np.broadcast_to(np.str_("a" * 10**5), 20_000), np.longdouble(1), Item(1)]
    tables = [[[1, 2, 3]], [["x"] * 5] * 6, {"a": 1}, {1, 2}, loop, [Raises()] * 6, deep]
    numbers = [None, "a" * 10**7, 10**10**5, float("nan"), b"bytes", Decimal("sNaN"), Equal(1)]
    rows = [[[x] * 4] * 3 for x in (Equal(1), Metal(), np.longdouble(1), Item(1), 10**10**5)]
    code = [lambda: 0, print, iter(int, 1), Code(1, 2, 3), tuple.__new__(Code, ())]
    return [*tables, *numbers, *numpy, *rows, *code, Raises(), Raises, Metal, Metal()]


@pytest.mark.parametrize("question", ["scheme-1", "thread-1", "thread-3", "walk-1", "walk-4"])
def test_no_answer_raises(question):
    for number, answer in enumerate(hostile()):
        for given in (answer, unpack(pack(answer))):
            report = graded(question, given, "mallory", "mallory")
            assert float(report) == 0, number
            assert report.findings and report._repr_html_() and len(str(report)) < 2000, number
