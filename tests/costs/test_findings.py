"""All designs side by side: the report, the pictures, the panel, and the table of 80 columns."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from ptlab import SCHEMES
from ptlab.cli import main
from ptlab.costs.measure import designs, measure
from ptlab.draw.chart import Chart, Panels, Series, apart
from ptlab.schemes import PtReclaim
from ptlab.widgets.designs import Designs

SMALL = "mmap s0 4M\ntouch w s0 4M\nmadvise DONTNEED s0 2M"


class Renamed(PtReclaim):
    """A design that only this test knows."""

    name = "renamed"
    fate = "An example."


def text_of(svg):
    """All words of a picture, in order."""
    return [e.text for e in ElementTree.fromstring(svg).iter() if e.text]


# -- the report --


def test_the_report_has_every_design_its_fate_and_both_tables():
    measured = measure(SMALL)
    html = measured._repr_html_()
    for m in measured:
        assert html.count(f">{m.scheme}</th>") == 4  # verdict, memory, price, locks
        assert m.fate == SCHEMES[m.scheme].fate and m.fate in html
    for told in measured.verdicts().values():
        assert told in html
    assert "grace waits" in html and "end kB" in html


def test_printed_it_is_the_verdicts_and_the_fates():
    measured = measure(SMALL, "unmap_only", "pt_reclaim")
    assert repr(measured) == "<Measurements of 'scenario': unmap_only, pt_reclaim>"
    verdict, fate = str(measured).splitlines()[2:]
    assert verdict == f"pt_reclaim: {measured.verdicts()['pt_reclaim']}"
    assert fate.strip() == SCHEMES["pt_reclaim"].fate


def test_small_pictures_have_their_numbers_in_words():
    words = text_of(measure(SMALL).chart().svg())
    assert "VmPTE during scenario" in words
    assert words[words.index("unmap_only") + 1] == "peak 16 kB, end 16 kB"
    assert words[words.index("pte_refcount") + 1] == "peak 16 kB, end 12 kB"
    assert words[words.index("mapped_count") + 1] == "peak 16 kB, end 16 kB, later 12 kB"


def test_what_no_page_fault_feels_is_not_in_the_price():
    told = measure("halves", "unmap_only", "percpu_ref", "mapped_count").verdicts()
    assert "local atomics" not in told["percpu_ref"] and "per-CPU adds" in told["percpu_ref"]
    assert "shared atomics" not in told["mapped_count"]


# -- pictures --


def test_names_at_the_ends_of_lines_do_not_overlap():
    chart = Chart(
        "t", "x", "y", [Series(f"line {i}", [(0, 0), (1, 10 + i / 99)]) for i in range(9)]
    )
    root = ElementTree.fromstring(chart.svg())
    places = sorted(
        float(e.get("y")) for e in root.iter() if e.text and re.fullmatch(r"line \d", e.text)
    )
    assert len(places) == 9
    assert all(b - a > 14 for a, b in pairwise(places))
    assert places[-1] < float(root.get("viewBox").split()[3])


def test_apart_moves_as_little_as_it_must():
    assert apart([0, 100, 50], 15) == [0, 100, 50]
    assert apart([10, 10, 10], 10) == [0, 10, 20]


@pytest.mark.parametrize("many", [1, 2, 3, 4, 9])
def test_panels_keep_inside_their_picture(many):
    panels = Panels("t", "x", "y", [Series(f"s{i}", [(0, 0), (9, i)], "n") for i in range(many)])
    root = ElementTree.fromstring(panels.svg())
    width, height = map(float, root.get("viewBox").split()[2:])
    for line in root.iter("{http://www.w3.org/2000/svg}polyline"):
        for point in line.get("points").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= width and 0 <= y <= height
    assert ("Dotted" in panels.svg()) is (many > 1)


def test_a_line_that_never_leaves_0_can_be_drawn():
    ElementTree.fromstring(Panels("t", "x", "y", [Series("flat", [(0, 0), (0, 0)])]).svg())


# -- the panel --


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


# -- the command --


def test_the_tables_fit_80_columns_and_cut_nothing(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["measure", "one-page-tables", "--schemes", "unmap_only,pt_rwsem,percpu_ref"]) == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert "…" not in told and "1\u202f536" in told
    for word in ("design", "tables", "atomics", "scanned", "freed", "flushes", "grace"):
        assert word in told
    assert SCHEMES["percpu_ref"].fate in told


def test_names_may_have_blanks_and_come_twice_but_not_be_missing(capsys):
    spaced = ["measure", "life-of-a-pte-page", "--schemes", " pt_reclaim, unmap_only,pt_reclaim "]
    assert main([*spaced, "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["measure", "life-of-a-pte-page", "--schemes", " ,"]) == 2
    assert "--schemes names no design; there are unmap_only" in capsys.readouterr().err
