"""Pictures of a tree: DOT, folds, strips, and the tree as text."""

import builtins
import html
import re
import shutil
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptlab import GiB, KiB, MiB, Process, TiB
from ptlab.base.geometry import Level
from ptlab.base.pte import U64, swap_entry
from ptlab.cli import main
from ptlab.draw import dot, theme
from ptlab.draw.appearance import strip
from ptlab.draw.chart import Panels, Series, number, wrapped
from ptlab.draw.fold import SHORTEST, WIDEST, folds
from ptlab.draw.palette import KINDS, LEVELS
from ptlab.draw.tree import tree
from tests.support.snapshot import live_tables

A = 16 * TiB


@pytest.fixture
def small():
    p = Process("pte_refcount")
    p.mmap(4 * MiB, at=A)
    p.touch(A, 8 * KiB)
    p.touch(A + 2 * MiB, 4 * KiB, write=False)
    return p


@pytest.fixture
def wide():
    p = Process("unmap_only", grain="range")
    p.mmap(GiB, at=A)
    p.touch(A, GiB, stride=2 * MiB)
    return p


def test_every_table_is_a_node_below_its_parent(small):
    source = str(tree(small.mm))
    for table in live_tables(small):
        assert re.search(rf"^\s*n{table} \[", source, re.M)
        if table != small.mm.pgd:
            assert f"n{small.machine.mem.parent[table]} -> n{table} " in source


def test_a_node_says_what_it_is_where_and_how_many_references(small):
    source = str(tree(small.mm))
    assert "PTE page 3" in source and "0x100000000000 - 0x1000001fffff" in source
    assert "2 = 2 entries" in source and "1 = 1 entry" in source


def test_long_runs_of_alike_tables_fold_into_one_node(wide):
    source = str(tree(wide.mm))
    assert "510 more PTE pages" in source
    assert len(re.findall(r"^\s*[nf]\d+ \[", source, re.M)) == 3 + 3
    assert "[...] 510 more PTE pages alike" in str(wide)


def test_the_svg_has_the_ids_that_the_stepper_marks(small):
    drawn = html.unescape(dot.svg(tree(small.mm)))
    assert drawn.startswith("<svg") and drawn.endswith("</svg>")
    for table in live_tables(small):
        assert f'id="n{table}"' in drawn
    assert 'id="e-n2-n3"' in drawn


def test_a_notebook_gets_the_picture_in_colours_that_follow_its_theme(small):
    drawn = small._repr_html_()
    head = html.escape("\n".join(str(small).split("\n")[:2]))
    assert f'role="img" tabindex="0" aria-label="{head}"' in drawn
    shapes = drawn[drawn.index("<svg") :]
    used = set(re.findall(r'(?:fill|stroke)="(#\w+)"', shapes))
    assert {LEVELS["PTE"].light, KINDS["page"].tone.light} < used <= set(theme.DARK)
    assert " id=" not in shapes and "<title>" not in shapes, "a page may have many of them"


NO_GLIB = "libgobject-2.0.so.0: cannot open shared object file: No such file or directory"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ModuleNotFoundError("No module named 'pygraphviz'"), "pip install pygraphviz"),
        (ImportError(NO_GLIB), f"cannot be loaded .{NO_GLIB}.*apt install libglib2.0-0"),
    ],
    ids=["absent", "no GLib"],
)
def test_without_graphviz_there_is_a_message_and_the_text_tree(
    small, monkeypatch, capsys, error, advice
):
    real = builtins.__import__

    def without(name, *rest):
        if name == "pygraphviz":
            raise error
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(dot.NoGraphviz, match=advice):
        dot.svg(tree(small.mm))
    assert main(["lab"]) == 2, "the course has pictures"
    assert re.search(advice, capsys.readouterr().err)
    assert small._repr_svg_() is None and small._repr_html_() is None
    assert "PTE page 3" in str(small)


def test_the_text_tree_tells_counters_ranges_and_entries(small):
    text = str(small)
    assert "Linux 6.1 with pte_refcount" in text and "never merged" in text
    assert "VmPTE 16 kB (1 PUD + 1 PMD + 2 PTE pages), RSS 8 kB, 3 minor faults, 1 VMA" in text
    assert "[0] PTE page 3  0x100000000000 - 0x1000001fffff  2 = 2 entries  +" in text
    assert all(len(line) <= 120 for line in text.split("\n"))


def test_the_text_tree_of_an_empty_process():
    assert "0 PTE pages" in str(Process()) and "PGD page 0  0 entries" in str(Process())


kinds = {
    0: None,
    0x8000_0001_0000_0867: "page",
    0x8000_0000_02D0_D225: "zero",
    0x1067: "table",
    0x000F_FFFE_FFFF_F960: "protnone",
    swap_entry(1, 5): "swap",
    swap_entry(1, 6): "swap",
    swap_entry(20, 6): "swap",
}


@given(words=st.lists(st.sampled_from(list(kinds)), min_size=1, max_size=40))
def test_a_strip_covers_exactly_the_entries_that_are_not_none(words):
    runs = strip(np.array(words, U64))
    seen = [None] * len(words)
    for lo, hi, kind in runs:
        assert lo < hi
        seen[lo:hi] = [kind] * (hi - lo)
    assert seen == [kinds[word] for word in words]
    assert all(a[1] < b[0] or a[2] != b[2] for a, b in pairwise(runs))


@given(data=st.lists(st.integers(0, 2), max_size=60))
def test_folding_loses_no_table_and_folds_only_what_is_worth_it(data):
    children = {0: list(range(1, len(data) + 1))}
    shown, folded = folds(0, children, lambda t: data[t - 1] if t else None)
    inside = [t for fold in folded for t in fold.tables]
    assert sorted(shown + inside) == list(range(len(data) + 1))
    assert len(shown) - 1 + len(folded) <= WIDEST
    if len(data) <= WIDEST:
        for fold in folded:
            assert len(fold.tables) >= SHORTEST - 2
            assert len({data[t - 1] for t in fold.tables}) == 1


def test_a_fold_takes_what_is_below_along():
    p = Process("unmap_only", grain="range")
    p.mmap(16 * GiB, at=A, noreserve=True)
    p.touch(A, 16 * GiB, stride=GiB)
    assert "14 more PMD pages" in str(tree(p.mm)) and "with 14 tables below" in str(tree(p.mm))
    assert len(live_tables(p, Level.PMD)) == 16


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
