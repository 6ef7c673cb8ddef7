"""The words of the tables: read back as written, and stored only where there are any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptlab import GiB, KiB, MiB, Process
from ptlab.base.geometry import Level
from tests.support.snapshot import live_tables

writes = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 511), st.integers(1, 512), st.booleans()),
    max_size=20,
)


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
