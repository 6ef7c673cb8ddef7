"""A notebook in the box: its outputs come back, bounded and made anew, and an end is always told."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from ptlab.classroom import box
from ptlab.classroom.handed_in import MIME as HANDED_IN
from ptlab.classroom.notebook_run import LIMITS, MOST, plain_output, run_notebook
from ptlab.classroom.report import MIME as REPORT

resource = pytest.importorskip("resource", reason="this system has no resource limits")


def ran(*cells, timeout=5, limits=LIMITS, asked=()):
    notebook = new_notebook(cells=list(map(new_code_cell, cells)))
    return run_notebook(notebook, timeout, None, [], asked, limits)


def text(outputs):
    return "".join(out.get("text", "") or str(out.get("data", "")) for out in outputs)


def test_what_cells_put_out_comes_back_and_what_they_left_is_named():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = ran(
        "print('one')",
        "1 / 0",
        "print('a' * 40_000_000)",
        "print(3)",
        "import subprocess; p = subprocess.Popen(['sleep', '600'], start_new_session=True)",
        "import os; os.environ | dict(x=os.getcwd())",
        f"display({{'text/plain': 'x', {HANDED_IN!r}: 7}}, raw=True); print('more')",
        f"display({{'text/plain': 'x', {HANDED_IN!r}: 7}}, raw=True)",
        asked=[7],
    )
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert text(found.outputs[0]) == "one\n"
    assert found.outputs[1][0]["ename"] == "ZeroDivisionError"
    assert len(text(found.outputs[2])) < 1 << 19 and "the rest was left out" in text(
        found.outputs[2]
    )
    assert text(found.outputs[3]) == "3\n"
    assert text(found.outputs[6]) == "more\n"  # this cell was not asked for an answer
    assert found.outputs[7][0]["data"][HANDED_IN] == 7
    assert (after - before) >> 10 < 40  # MiB
    assert found.way == box.way().name
    if box.way().namespaces:
        assert found.left == ["sleep"]


def test_a_dead_kernel_and_a_stopped_box_have_their_reason():
    assert "Python ended before" in ran("print(1)", "import os; os._exit(0)", "2").why
    stopped = ran("while True: pass", timeout=60, limits=LIMITS._replace(seconds=1))
    assert "was not run to its end: it did not end within 5 s" in stopped.why


@pytest.mark.parametrize(
    "raw",
    [
        {"output_type": "stream", "name": ["x"], "text": 7},
        {"output_type": "stream", "name": "stderr", "text": ["a", "\ud800"]},
        {"output_type": "error", "ename": {}, "evalue": None, "traceback": [1, [2]]},
        {
            "output_type": "display_data",
            "data": {"text/plain": {"a": 1}, "application/javascript": ""},
        },
    ],
)
def test_an_output_is_made_anew(raw):
    found = plain_output(raw)
    values = [v for v in found.values() if type(v) is not dict] + list(
        found.get("data", {}).values()
    )
    assert all(type(v) in (str, list) for v in values)
    str(found).encode()


def test_what_only_the_grader_writes_is_left_out():
    raw = {"output_type": "display_data", "data": {REPORT: {"score": 6}, HANDED_IN: {"answer": 1}}}
    assert plain_output(raw)["data"] == {HANDED_IN: {"answer": 1}}
    assert plain_output({"output_type": "update_display_data"}) is None
    assert (
        plain_output({"output_type": "display_data", "data": {REPORT: 1}, "metadata": {}}) is None
    )
    assert MOST < 5 << 20
