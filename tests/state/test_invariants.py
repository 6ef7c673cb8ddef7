"""check() finds what is broken and names it: each rule is broken once by hand."""

import numpy as np
import pytest

from ptlab import Corruption, KiB, MiB, Process, TiB
from ptlab.base.geometry import Level
from ptlab.state.blocks import Blocks
from ptlab.state.broken_state import BrokenState, BrokenStates, Rule
from ptlab.state.mm import Count
from ptlab.state.vma import VM, Vma
from tests.support.snapshot import live_tables

A = 16 * TiB


@pytest.fixture
def p():
    p = Process("pte_refcount")
    p.mmap(4 * MiB, at=A)
    p.touch(A, 8 * KiB)
    p.check()
    return p


def pte_page(p):
    return p.mm.lookup(A, Level.PTE)


def lose_the_parents_entry(p):
    mem = p.machine.mem
    mem.entries[int(mem.parent[pte_page(p)]), int(mem.slot[pte_page(p)])] = 0


def move_the_slot(p):
    p.machine.mem.slot[pte_page(p)] += 1


def point_to_a_freed_table(p):
    p.machine.mem.state[pte_page(p)] = 5


def count_a_table_too_many(p):
    p.mm.counters[Count.PTE] += 1


def count_a_page_too_few(p):
    p.mm.counters[Count.ANON] -= 1


def add_a_reference(p):
    p.machine.mem.refcount[pte_page(p)] += 1


def forget_a_visitor(p):
    p.machine.mem.visitors[pte_page(p)] += 1


def lose_count_of_entries(p):
    p.machine.mem.entries.nonnone[pte_page(p)] += 1


def let_vmas_overlap(p):
    rw = VM.READ | VM.WRITE
    p.mm.set_vmas(Blocks((*p.mm.vmas, Vma(A + MiB, A + 8 * MiB, rw, 0))))


def make_an_empty_vma(p):
    rw = VM.READ | VM.WRITE
    p.mm.set_vmas(Blocks((*p.mm.vmas, Vma(A + 8 * MiB, A + 8 * MiB, rw, 0))))


def take_all_vmas_away(p):
    p.mm.set_vmas(Blocks())


def take_the_vma_of_an_entry_away(p):
    (vma,) = p.mm.vmas
    p.mm.set_vmas(Blocks((vma.cut(A + MiB, vma.end),)))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lose_the_parents_entry, "the entry there does not point to it"),
        (move_the_slot, "the entry there does not point to it"),
        (point_to_a_freed_table, "not its child"),
        (count_a_table_too_many, "VmPTE counts 2"),
        (count_a_page_too_few, "the counters say 1"),
        (add_a_reference, "3 references, but 2 entries"),
        (forget_a_visitor, "2 references, but 2 entries, 1 visitors"),
        (lose_count_of_entries, "has 2 non-none entries, but its count says 3"),
        (let_vmas_overlap, "overlap"),
        (make_an_empty_vma, "is empty"),
        (take_all_vmas_away, "has no VMA in its span"),
        (take_the_vma_of_an_entry_away, f"{A:#x}"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_broken_is_found_and_named(p, damage, said):
    damage(p)
    with pytest.raises(Corruption) as found:
        p.check()
    assert said in str(found.value)


def test_a_table_unhooked_without_its_children_is_found(p):
    mem = p.machine.mem
    mem.state[p.mm.lookup(A, Level.PMD)] = 3
    with pytest.raises(Corruption, match="not in the tree"):
        p.check()


def test_one_error_names_all_that_is_broken(p):
    add_a_reference(p)
    count_a_table_too_many(p)
    with pytest.raises(Corruption, match=r"VmPTE.*; .*references"):
        p.check()


def test_what_is_broken_is_a_rule_and_its_numbers_not_only_words(p):
    count_a_table_too_many(p)
    with pytest.raises(BrokenStates) as found:
        p.check()
    there = p.counters.pte
    assert found.value.broken == (BrokenState(Rule.TABLES_COUNTED, ("PTE", there - 1, there)),)


def test_checking_changes_nothing_and_takes_big_trees():
    p = Process("unmap_only", grain="range", record=False)
    heap = p.mmap(8 << 30, noreserve=True)
    p.touch(heap, stride=2 * MiB)
    before = np.array(live_tables(p))
    p.check()
    assert (np.array(live_tables(p)) == before).all() and len(before) == 4096 + 11
