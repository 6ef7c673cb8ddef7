"""The panel in which a workload and designs are chosen and measured."""

import re

import pytest

from ptlab import SCHEMES
from ptlab.costs.measure import designs
from ptlab.draw.glossary import as_words
from ptlab.draw.palette import as_data
from ptlab.schemes import PtReclaim
from ptlab.widgets.designs import Designs


class Renamed(PtReclaim):
    """A design that only this test knows."""

    name = "renamed"
    fate = "An example."


def panel(measure, ticked=("a", "b")):
    look = {"palette": as_data(), "glossary": as_words()}
    choices = {"w": "a <workload>", "v": "another"}
    return Designs(choices, ["a", "b", "c"], measure, "w", ticked, **look)


def test_the_panel_measures_what_is_ticked_and_says_how_far_it_is():
    seen = []

    def measure(workload, chosen, done):
        seen.append((workload, list(chosen)))
        for name in chosen:
            done(name)
            seen.append((widget.said, widget.done, widget.of, widget.busy))
        return "<p>a report</p>"

    widget = panel(measure)
    widget._handle_custom_msg({"measure": True}, [])
    widget.wait()
    assert seen[0] == ("w", ["a", "b"])
    assert seen[1] == ("w: 1 of 2 designs are done, last a", 1, 2, True)
    assert widget.reports == {"w": {"designs": ["a", "b"], "html": "<p>a report</p>"}}
    assert not widget.busy and widget.said == ""


def test_what_was_measured_is_kept_and_only_the_rest_is_measured():
    asked = []
    widget = panel(lambda workload, chosen, done: asked.append((workload, *chosen)) or "r", ["b"])
    for workload, ticked in (("w", ["b"]), ("w", ["b"]), ("w", ["a"]), ("v", ["c"]), ("w", ["b"])):
        widget.workload, widget.ticked = workload, ticked
        widget.start()
        widget.wait()
    assert asked == [("w", "b"), ("w", "a", "b"), ("v", "c")]
    assert {name: found["designs"] for name, found in widget.reports.items()} == {
        "w": ["a", "b"],
        "v": ["c"],
    }


def test_the_panel_shows_what_went_wrong_and_can_go_on():
    def measure(workload, chosen, done):
        raise ValueError("a <bad> workload")

    widget = panel(measure)
    widget.start()
    widget.wait()
    assert widget.said == "ValueError: a <bad> workload"
    assert not widget.busy and not widget.reports


def test_without_a_tick_nothing_runs():
    widget = panel(lambda *_: pytest.fail("it ran"), ticked=())
    widget.start()
    widget.wait()
    assert not widget.busy


def test_a_design_of_a_notebook_cell_is_measured_in_the_panel():
    widget = designs("life-of-a-pte-page", "unmap_only", Renamed)
    assert widget.ticked == ["unmap_only", "renamed"]
    assert widget.designs == [*SCHEMES, "renamed"]
    widget.start()
    widget.wait()
    report = widget.reports["life-of-a-pte-page"]["html"]
    assert "renamed" in report and "An example." in report and "pte_refcount" not in report
    assert len(set(re.findall("data-design=.([a-z_]+)", report))) == 2
    widget.ticked = ["renamed", "pte_refcount"]
    widget.start()
    widget.wait()
    report = widget.reports["life-of-a-pte-page"]["html"]
    assert [report.count(f"data-design='{name}'") for name in ("renamed", "pte_refcount")] == [4, 4]
    assert len(widget._page().encode()) < 150_000


def test_the_panel_refuses_names_that_are_none():
    with pytest.raises(ValueError, match="pt_reclaim"):
        designs("halves", "pt_reclame")
    with pytest.raises(ValueError, match="halfs"):
        designs("halfs")


def test_a_python_without_threads_measures_at_once(monkeypatch):
    def no_thread(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", no_thread)
    widget = panel(lambda workload, chosen, done: "<p>a report</p>")
    widget.start()
    assert not widget.busy and widget.reports["w"]["html"] == "<p>a report</p>"
    widget.wait()
