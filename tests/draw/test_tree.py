"""The tree of a process in DOT."""

import re

import pytest

from ptlab import GiB, MiB, Process, TiB
from ptlab.base.geometry import Level
from ptlab.draw.tree import tree
from tests.support.snapshot import live_tables

A = 16 * TiB


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
    assert "PTE page 3" in source
    assert re.search(r"\[1\]</FONT> <FONT[^>]*><B>PTE page 4<", source)
    assert "2 = 2 entries" in source and "1 = 1 entry" in source


def test_long_runs_of_alike_tables_fold_into_one_node(wide):
    source = str(tree(wide.mm))
    assert "510 more PTE pages" in source
    assert len(re.findall(r"^\s*[nf]\d+ \[", source, re.M)) == 3 + 3
    assert "[...] 510 more PTE pages alike" in str(wide)


def test_a_fold_takes_what_is_below_along():
    p = Process("unmap_only", grain="range")
    p.mmap(16 * GiB, at=A, noreserve=True)
    p.touch(A, 16 * GiB, stride=GiB)
    assert "14 more PMD pages" in str(tree(p.mm)) and "with 14 tables below" in str(tree(p.mm))
    assert len(live_tables(p, Level.PMD)) == 16
