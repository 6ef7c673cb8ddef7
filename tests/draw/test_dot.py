"""The picture of a tree, by pygraphviz, by the `dot` program, and without any Graphviz."""

import html
import re
import shutil
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab import Process, story
from ptlab.draw import dot
from ptlab.draw.tree import tree
from tests.support.snapshot import live_tables

WAYS = ("pygraphviz", "dot", "nothing")
LEVELS = list(dot.WIDTHS)


def use(monkeypatch, way):
    """Draw in this way only."""
    if way == "dot" and not shutil.which("dot"):
        pytest.skip("the program `dot` is not installed")
    if way != "pygraphviz":
        monkeypatch.setitem(sys.modules, "pygraphviz", None)
    if way == "nothing":
        monkeypatch.setattr(shutil, "which", lambda name: None)


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    use(monkeypatch, request.param)


@st.composite
def forests(draw):
    """Trees of tables as `layout` gives them: parents first, siblings by slot."""
    nodes, row = [], [f"r{k}" for k in range(draw(st.integers(1, 2)))]
    parents = dict.fromkeys(row)
    for level in LEVELS[: draw(st.integers(1, 5))]:
        below = []
        for name in row:
            nodes.append(dot.Node(name, level, f"<{name}> & 1", "[7]", "2 = 2", [], parents[name]))
            below += [(f"{name}x{k}", name) for k in range(draw(st.integers(0, 3)))]
        parents |= dict(below)
        row = [name for name, _ in below][:12]
    return nodes


@given(forests())
@settings(max_examples=25, deadline=None)
def test_nothing_overlaps_and_every_way_gives_the_same_columns(nodes):
    ways = {}
    for one in WAYS:
        if one == "dot" and not shutil.which("dot"):
            continue
        with pytest.MonkeyPatch.context() as patch:
            use(patch, one)
            ways[one] = dot.boxes(dot.digraph(nodes)), dot.svg(dot.digraph(nodes))
    for one, (places, drawn) in ways.items():
        assert set(places) == {node.id for node in nodes}
        for a in nodes:
            box = places[a.id]
            assert box.x == ways["pygraphviz"][0][a.id].x and box.y >= dot.MARGIN - 1, one
            for b in nodes:
                other = places[b.id]
                if a.id < b.id and a.level == b.level:
                    assert abs(box.y - other.y) >= dot.HEIGHT + dot.ROW_GAP - 1, (one, a, b)
        rows = [places[node.id].y for node in nodes if node.level == LEVELS[0]]
        assert rows == sorted(rows), f"{one}: the trees are in their order"
        ids = set(re.findall(r' id="(.*?)"', html.unescape(drawn)))
        edges = {f"e-{node.parent}-{node.id}" for node in nodes if node.parent}
        assert ids >= set(places) | edges, one


def test_the_svg_has_the_ids_and_words_that_others_look_for(small, way):
    drawn = html.unescape(dot.svg(tree(small.mm)))
    assert drawn.startswith("<svg") and drawn.endswith("</svg>")
    for table in live_tables(small):
        assert f'id="n{table}"' in drawn
    assert 'id="e-n2-n3"' in drawn and 'class="node PTE' in drawn
    assert "PTE page 3" in drawn and "2 = 2 entries" in drawn
    assert "PTE page 3" in small._repr_html_()


def test_a_story_can_be_told_in_every_way(way):
    told = story("mmap s0 2M\ntouch w s0 8K\nfork 1\ntouch w s0 4K").payload()
    (pane,) = told["panes"]
    places = {(node["x"], node["y"]) for node in pane["nodes"].values()}
    assert len(places) == len(pane["nodes"]) == 8 and pane["height"] > 2 * dot.HEIGHT
    assert pane["still"]["svg"].startswith("<svg")


def test_a_system_without_glib_draws_too(small, monkeypatch):
    class NoGlib:
        def find_spec(self, name, path=None, target=None):
            if name == "pygraphviz":
                raise ImportError("libgobject-2.0.so.0: cannot open shared object file")

    monkeypatch.delitem(sys.modules, "pygraphviz", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoGlib(), *sys.meta_path])
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "PTE page 3" in Process._repr_svg_(small)


@given(st.sets(st.integers(0, 511)), st.sampled_from([46, 60, 90, 112]))
def test_a_strip_is_as_wide_as_its_box_however_many_entries_there_are(slots, width):
    """A real process has dozens of entries side by side at the end of its PMD page."""
    cells = dot._widths([(slot, slot + 1, "table") for slot in sorted(slots)], width)
    assert sum(cell for cell, _ in cells) == width
    assert all(cell > 0 for cell, _ in cells)
    assert any(kind == "table" for _, kind in cells) == bool(slots)


def test_the_names_of_tables_begin_inside_their_boxes(way):
    p = Process()
    p.touch(p.mmap(4096, at=0x7234_4000_0000), 1)  # slots of three digits
    nodes = re.findall(r'<g id="n\d+" class="node .*?</g>', dot.svg(tree(p.mm)), re.DOTALL)
    for node in nodes:
        outline = re.search(r'<rect x="([-\d.]+)"|<path[^>]* d="([^"]+)"', node)
        left = min(
            map(float, re.findall(r"([-\d.]+),", outline[2]) if outline[2] else [outline[1]])
        )
        assert min(map(float, re.findall(r'<text[^>]* x="([-\d.]+)"', node))) >= left + 2
    assert len(nodes) == 4
