"""The panel in which a workload and designs are chosen and measured."""

import pytest

from ptlab import SCHEMES
from ptlab.costs.measure import designs
from ptlab.schemes import PtReclaim
from ptlab.widgets.designs import Designs


class Renamed(PtReclaim):
    """A design that only this test knows."""

    name = "renamed"
    fate = "An example."


def panel(measure, ticked=("a", "b")):
    return Designs({"w": "a <workload>"}, ["a", "b", "c"], measure, "w", ticked)


def test_the_panel_measures_what_is_ticked_and_says_how_far_it_is():
    seen = []

    def measure(workload, chosen, done):
        seen.append((workload, list(chosen)))
        for name in chosen:
            done(name)
            seen.append(widget._status.value)
        return "<p>a report</p>"

    widget = panel(measure)
    assert "a &lt;workload&gt;" in widget._description.value
    widget.start()
    widget.wait()
    assert seen[0] == ("w", ["a", "b"])
    assert "1 of 2 designs are done, last a" in seen[1] and 'max="2" value="1"' in seen[1]
    assert widget._tables.value == "<p>a report</p>"
    assert not widget._button.disabled and "done" not in widget._status.value


def test_the_panel_shows_what_went_wrong_and_can_go_on():
    def measure(workload, chosen, done):
        raise ValueError("a <bad> workload")

    widget = panel(measure)
    widget.start()
    widget.wait()
    assert "ValueError: a &lt;bad&gt; workload" in widget._status.value
    assert not widget._button.disabled


def test_without_a_tick_nothing_runs():
    widget = panel(lambda *_: pytest.fail("it ran"), ticked=())
    widget.start()
    widget.wait()
    assert "Tick one design" in widget._status.value


def test_a_design_of_a_notebook_cell_is_measured_in_the_panel():
    widget = designs("life-of-a-pte-page", "unmap_only", Renamed)
    assert [name for name, tick in widget._ticks.items() if tick.value] == ["unmap_only", "renamed"]
    assert list(widget._ticks) == [*SCHEMES, "renamed"]
    widget.start()
    widget.wait()
    tables = widget._tables.value
    assert "renamed" in tables and "An example." in tables and "pte_refcount" not in tables


def test_the_panel_refuses_names_that_are_none():
    with pytest.raises(ValueError, match="pt_reclaim"):
        designs("halves", "pt_reclame")
    with pytest.raises(ValueError, match="halfs"):
        designs("halfs")
