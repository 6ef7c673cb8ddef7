"""Charts and panels of lines."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from ptlab.draw.chart import Chart, Panels, Series, apart, number, thinned, ticks, wrapped


@pytest.mark.parametrize("peak", [1, 102604, 10**12, 10**60])
def test_no_note_of_a_panel_reaches_the_next_one(peak):
    note = f"peak {number(peak)} kB, end {number(peak)} kB, later {number(peak)} kB"
    panels = Panels("t", "x", "y", [Series(f"s{i}", [(0, 0), (9, i)], note) for i in range(5)])
    texts = ElementTree.fromstring(panels.svg()).iter("{http://www.w3.org/2000/svg}text")
    lines = [text for text in texts if text.text in wrapped(note, 34)]
    assert "".join(line.text for line in lines).replace(" ", "") == 5 * note.replace(" ", "")
    widest_digit = 7.64  # of a 12 unit font, DejaVu Sans; a panel and its gap have 270
    assert all(len(line.text) * widest_digit < 270 for line in lines)
    rows = {(line.get("x"), line.get("y")) for line in lines}
    assert len(rows) == len(lines), "no two in one place"


def test_a_chart_keeps_its_peaks_when_it_is_thinned():
    points = [(float(x), 1000.0 if x == 5003 else float(x % 7)) for x in range(10_000)]
    few = thinned(points, 400)
    assert len(few) < 900 and max(y for _, y in few) == 1000.0
    assert (few[0], few[-1]) == (points[0], points[-1])


def test_a_chart_says_in_words_where_its_lines_end():
    svg = Chart("a <title>", "x", "y in kB", [Series("one", [(0, 0), (2, 8)])]).svg()
    assert "a &lt;title&gt;" in svg and "one ends at 8" in svg
    assert ticks(0, 10) == [0, 2, 4, 6, 8, 10]


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
