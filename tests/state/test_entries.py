"""The words of the tables: read back as written, and stored only where there are any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptlab import GiB, KiB, MiB, Process
from ptlab.base.geometry import Level
from ptlab.state.entries import EntryPool
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


tables = st.sets(st.integers(0, 3), min_size=1)
columns = st.tuples(st.integers(0, 511), st.integers(1, 512), st.sampled_from([1, 1, 1, 3]))
words = st.sampled_from(["clear", "pages", "same", "mixed"])
writes_of_runs = st.lists(st.tuples(tables, columns, words, st.booleans()), max_size=12)


def content(kind, number, count, width):
    """What a test writes into `count` tables: pages in a row follow a rule, the others do not."""
    pages = np.arange(count * width, dtype=np.uint64).reshape(count, width) * 4096 + number + 1
    if kind == "mixed":
        pages[:, ::2] = 0
    return {"clear": np.uint64(0), "same": np.uint64(7)}.get(kind, pages)


@given(writes=writes_of_runs, look=columns)
def test_entries_that_follow_a_rule_are_like_any_others(writes, look):
    pool, model = EntryPool(), np.zeros((5, 512), np.uint64)
    for number, (rows, (lo, width, step), kind, one_by_one) in enumerate(writes):
        run, part = np.array(sorted(rows)), slice(lo, min(512, lo + width), step)
        new = content(kind, number, len(run), len(range(*part.indices(512))))
        model[run + 1, part] = new
        if one_by_one:
            for k, row in enumerate(run.tolist()):
                pool[row + 1, part] = new if np.ndim(new) == 0 else new[k]
        else:
            pool[run + 1, part] = new
        everything, seen = np.arange(1, 5), slice(look[0], min(512, look[0] + look[1]), look[2])
        assert (pool[everything, slice(None)] == model[1:]).all()
        assert (pool[everything, seen] == model[1:, seen]).all()
        assert (pool[everything, lo] == model[1:, lo]).all()
        assert pool.nonnone[1:5].tolist() == np.count_nonzero(model[1:], axis=1).tolist()
        assert ((pool.slab[1:5] != 0) == model[1:].any(axis=1)).all()
        filled = np.count_nonzero(model[1:, seen], axis=1)
        assert pool.filled_each(everything, seen).tolist() == filled.tolist()
        assert np.count_nonzero(model[1:, pool.span(everything, seen)]) == filled.sum()
        for row in range(1, 5):
            assert pool.word(row, lo) == model[row, lo]
            assert (pool[row, seen] == model[row, seen]).all()
            assert pool.filled(row, seen) == filled[row - 1]


def test_memory_that_was_faulted_in_at_once_takes_three_numbers_a_table():
    p = Process("unmap_only", grain="range", record=False)
    heap = p.mmap(64 * GiB, noreserve=True)
    p.touch(heap)
    assert len(p.machine.mem.entries.words) < 400  # one row for each upper table
    table = p.mm.lookup(heap + 24 * 2 * MiB, Level.PTE)
    later = p.machine.mem.entries.word(p.mm.lookup(heap + 48 * 2 * MiB, Level.PTE), 9)
    assert later - p.machine.mem.entries.word(table, 0) == (24 * 512 + 9) * 4096
    p.munmap(heap)
    assert p.counters.vmpte_kb == 0
