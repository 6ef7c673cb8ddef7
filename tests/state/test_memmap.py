"""mem_map: one row for each page-table page, and no storage for tables without entries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptlab import GiB, KiB, MiB, Process
from ptlab.base.geometry import Level
from ptlab.state.memmap import State
from tests.support.snapshot import live_tables


def table(process, address, level=Level.PTE):
    return process.mm.lookup(address, level)


def test_a_table_knows_its_place_in_its_parent():
    p = Process()
    heap = p.mmap(4 * MiB)
    p.touch(heap, stride=2 * MiB)
    mem = p.machine.mem
    pmd, first, second = table(p, heap, Level.PMD), table(p, heap), table(p, heap + 2 * MiB)
    assert [int(mem.level[t]) for t in (pmd, first)] == [Level.PMD, Level.PTE]
    assert int(mem.parent[first]) == int(mem.parent[second]) == pmd
    assert int(mem.slot[second]) == int(mem.slot[first]) + 1 == (int(heap) >> 21) % 512 + 1
    assert mem.at(pmd, int(mem.slot[first])) == first


def test_the_life_of_a_pte_page_in_states():
    p = Process("pte_refcount")
    heap = p.mmap(2 * MiB)
    p.touch(heap, 4 * KiB)
    page = table(p, heap)
    p.madvise(heap, "DONTNEED")
    states = [State.ABSENT]
    for k in range(len(p.journal) + 1):
        p.journal.seek(k)
        now = State(int(p.machine.mem.state[page]))
        if now is not states[-1]:
            states.append(now)
    assert states == [*State][: State.FREED + 1]


def test_a_page_number_is_never_used_twice():
    p = Process("pte_refcount")
    heap = p.mmap(2 * MiB)
    seen = []
    for _ in range(3):
        p.touch(heap, 4 * KiB)
        seen.append(table(p, heap))
        p.madvise(heap, "DONTNEED")
    assert len(set(seen)) == 3


@pytest.mark.parametrize("record", [True, False])
def test_empty_tables_own_no_entry_storage(record):
    p = Process("unmap_only", grain="range", record=record)
    heap = p.mmap(4 * GiB, noreserve=True)
    p.touch(heap, stride=2 * MiB)
    p.madvise(heap, "DONTNEED")
    mem = p.machine.mem
    ptes = np.array(live_tables(p, Level.PTE))
    assert len(ptes) == 2048 and not mem.nonnone[ptes].any()
    assert not mem.entries[ptes, slice(None)].any()
    assert not mem.entries.slab[ptes].any()
    p.check()


def test_storage_is_used_again():
    p = Process("unmap_only", grain="range", record=False)
    heap = p.mmap(2 * GiB, noreserve=True)
    for start in range(0, 2 * GiB, 2 * MiB):
        p.touch(heap + start, 4 * KiB)
        p.madvise(heap + start, "DONTNEED", 2 * MiB)
    assert p.counters.pte == 1024
    assert len(p.machine.mem.entries.words) < 200


writes = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 511), st.integers(1, 512), st.booleans()),
    max_size=20,
)


@given(writes=writes)
def test_entries_read_back_as_written(writes):
    p = Process()
    mem = p.machine.mem
    first = int(mem.alloc(0, Level.PTE, 4)[0])
    model = np.zeros((4, 512), np.uint64)
    for row, lo, width, fill in writes:
        words = np.arange(1, 513, dtype=np.uint64)[: len(range(lo, min(512, lo + width)))] * fill
        mem.write(first + row, slice(lo, lo + len(words)), words)
        model[row, lo : lo + len(words)] = words
        for k in range(4):
            assert (mem.entries[first + k, slice(None)] == model[k]).all()
            assert int(mem.nonnone[first + k]) == np.count_nonzero(model[k])
            assert bool(mem.entries.slab[first + k]) == bool(model[k].any())


@given(writes=st.lists(st.tuples(st.sets(st.integers(0, 3), min_size=2), st.integers(0, 511))))
def test_runs_are_written_like_their_tables_one_by_one(writes):
    p = Process()
    mem = p.machine.mem
    first = int(mem.alloc(0, Level.PTE, 4)[0])
    model = np.zeros((4, 512), np.uint64)
    for number, (rows, column) in enumerate(writes):
        value = number % 3  # 0 clears
        run = np.array(sorted(rows))
        mem.write(first + run, slice(column, column + 7), np.uint64(value))
        model[run, column : column + 7] = value
    assert (mem.entries[first + np.arange(4), slice(None)] == model).all()
    assert mem.nonnone[first : first + 4].tolist() == np.count_nonzero(model, axis=1).tolist()
