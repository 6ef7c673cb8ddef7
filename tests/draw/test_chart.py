"""Charts and panels of lines."""

from xml.etree import ElementTree

import pytest

from ptlab.draw.chart import Panels, Series, number, wrapped


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
