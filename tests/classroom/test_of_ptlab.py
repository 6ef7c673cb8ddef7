"""What of ptlab an answer may use, however its name is written."""

import ast

import pytest

from ptlab.classroom.box_process import Stopped
from ptlab.classroom.of_ptlab import object_to_use
from ptlab.classroom.sandbox import values
from ptlab.classroom.student_code import Code


def objection(text, kind="class"):
    return object_to_use(ast.parse(text), kind)


@pytest.mark.parametrize(
    "text",
    [
        "from ptlab import ReclaimScheme\nclass A(ReclaimScheme): pass",
        "import ptlab\nclass A(ptlab.ReclaimScheme): pass",
        "import ptlab as p\nclass A(p.ReclaimScheme): pass",
        "from ptlab.schemes.empty_tables import unhook_if_empty as u",
        "from ptlab.schemes import empty_tables\nx = empty_tables.unhook_if_empty",
        "from ptlab.base.steps import Kind, Step\nfrom ptlab.state.mm import Mm",
        "import numpy as np\nx = np.zeros(3)",
    ],
)
def test_the_words_of_a_design_are_a_scheme_s_to_use(text):
    assert objection(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "from ptlab.schemes import WriteScan",
        "from ptlab.schemes.write_scan import WriteScan as W",
        "import ptlab\nx = ptlab.schemes.WriteScan.zapped",
        "import ptlab.schemes.empty_tables\nx = ptlab.schemes.WriteScan",
        "import ptlab.schemes.write_scan as w\nx = w.WriteScan",
        "import ptlab as p\ns = p",
        "from ptlab import schemes\ns = schemes",
        "from ptlab.race.scenes.background import LooksOnce",
        "from ptlab import Process",
        "from ptlab import *",
        "def f():\n    from ptlab.schemes import scheme_class",
    ],
)
def test_the_points_of_another_design_are_not(text):
    assert "of ptlab an answer may use" in objection(text)


@pytest.mark.parametrize(
    "text",
    [
        "from ptlab import Process\ndef f(x):\n    return Process",
        "def f(x):\n    import ptlab\n    return ptlab.ask('walk-4')",
        "import ptlab.classroom.ask as a\ndef f(x):\n    return a.ask",
    ],
)
def test_a_function_may_not_ask_the_simulator(text):
    assert "may not ask the simulator" in objection(text, "function")


def test_the_sandbox_refuses_it_before_it_runs():
    text = "import ptlab\ndef f(x):\n    return ptlab.Process\n"
    with pytest.raises(Stopped, match=r"in the cell of f, line 3 uses ptlab\.Process"):
        values(Code("function", "f", text), [(1,)])
