"""All designs of the debate: what each promises to release, and what it must leave alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab import SCHEMES, KiB, MiB, Process, TiB
from ptlab.base.geometry import PMD_SIZE, Level
from ptlab.state.mm import base_address
from ptlab.state.vma import VM
from tests.support.snapshot import live_tables, outcome
from tests.support.strategies import programs, rows

grains = st.sampled_from(["entry", "table", "range"])


HEAP = 16 * TiB


BY_COUNT = ("pte_refcount", "every_level")


NEVER = ("unmap_only",)


AT_ONCE = ("pte_refcount", "percpu_ref", "pt_rwsem", "every_level", "write_scan")
"""Designs that free a PTE page in the MADV_DONTNEED that empties it, whatever part that covers."""


def heap(scheme, length=4 * MiB, grain="table"):
    p = Process(scheme, kernel="6.18", grain=grain)
    return p, p.mmap(length, at=HEAP)


def data(process):
    """What a program can see: its VMAs, and the pages it has mapped. No design may touch these."""
    told = outcome(process)
    tables = {
        key: table[3] for key, table in told["tables"].items() if key[1] == "PTE" and table[3]
    }
    return [(number, vmas) for number, vmas, _ in told["mms"]], tables


SEEN = ("op", "rc", "err", "sig", "minflt", "present", "zeropg", "rss_kb", "vmas")


@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name != "unmap_only"])
@settings(max_examples=15)
@given(program=programs(huge=False), grain=grains)
def test_a_program_sees_the_same_memory_under_every_design(scheme, program, grain):
    plain, p = Process("unmap_only", kernel="6.18"), Process(scheme, kernel="6.18", grain=grain)
    told = [{k: row.get(k) for k in SEEN} for row in rows(plain, program)]
    assert [{k: row.get(k) for k in SEEN} for row in rows(p, program)] == told
    p.check()
    assert data(p) == data(plain)


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=15)
@given(program=programs(huge=False), grain=grains)
def test_a_design_only_ever_has_fewer_tables_and_none_with_entries_is_lost(scheme, program, grain):
    plain, p = Process("unmap_only", kernel="6.18"), Process(scheme, kernel="6.18", grain=grain)
    rows(plain, program)
    rows(p, program)
    kept, left = outcome(plain)["tables"], outcome(p)["tables"]
    assert left.keys() <= kept.keys()
    gone = [key for key in kept.keys() - left.keys() if key[1] == "PTE"]
    assert all(not kept[key][3] for key in gone)


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=15)
@given(program=programs(huge=False), grain=grains)
def test_what_is_empty_at_rest_is_what_the_design_says(scheme, program, grain):
    p = Process(scheme, kernel="6.18", grain=grain)
    rows(p, program)
    mem = p.machine.mem
    empty = {level: [t for t in live_tables(p, level) if not mem.nonnone[t]] for level in Level}
    if scheme in BY_COUNT:
        assert not empty[Level.PTE]
    if scheme == "every_level":
        assert not empty[Level.PMD] and not empty[Level.PUD]
    if scheme == "mapped_count":
        p.background()
        zeros = [t for t in live_tables(p, Level.PTE) if mem.refcount[t] >> 10 == 512]
        left = [t for t in live_tables(p, Level.PTE) if not mem.nonnone[t]]
        own = {t for t in zeros + left if mem.mm[t] == p.mm.id}  # it was asked of this process
        assert not own
    p.check()


@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name not in NEVER])
@settings(max_examples=15)
@given(program=programs(huge=False), grain=grains, data=st.data())
def test_one_dontneed_of_a_vma_frees_what_the_design_promises(scheme, program, grain, data):
    p = Process(scheme, kernel="6.18", grain=grain)
    rows(p, program)
    vmas = [vma for vma in p.mm.vmas if not vma.flags & VM.LOCKED]
    if not vmas:
        return
    vma = data.draw(st.sampled_from(vmas))
    p.madvise(vma.start, "DONTNEED", vma.end - vma.start)
    p.background()
    inside = slice(-(-vma.start // PMD_SIZE) * PMD_SIZE, vma.end // PMD_SIZE * PMD_SIZE)
    p.check()
    mem = p.machine.mem
    for table in live_tables(p, Level.PTE):
        base = base_address(p.mm, table) if mem.mm[table] == p.mm.id else -1
        if inside.start <= base < inside.stop:  # all 2 MiB of it are this VMA's
            assert mem.nonnone[table], f"PTE page {table} at {base:#x} is empty and still there"


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=10)
@given(program=programs(huge=False))
def test_munmap_of_everything_leaves_nothing(scheme, program):
    p = Process(scheme, kernel="6.18", grain="range")
    rows(p, program)
    for vma in p.mm.vmas:
        p.munmap(vma.start, vma.end - vma.start)
    p.check()
    assert p.counters.vmpte_kb == 0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_full_dontneed_frees_at_the_levels_of_the_design(scheme):
    p, memory = heap(scheme)
    p.touch(memory)
    p.madvise(memory, "DONTNEED")
    left = (p.counters.pud, p.counters.pmd, p.counters.pte)
    if scheme in ("unmap_only", "mapped_count", "async_scan"):
        assert left == (1, 1, 2)
    elif scheme in ("every_level", "pt_rwsem"):
        assert left == (0, 0, 0)
    else:
        assert left == (1, 1, 0)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_two_halves_free_where_the_design_looks_at_the_whole_table(scheme):
    p, memory = heap(scheme, 2 * MiB)
    p.touch(memory)
    p.madvise(memory, "DONTNEED", 1 * MiB)
    assert p.counters.pte == 1
    p.madvise(memory + 1 * MiB, "DONTNEED", 1 * MiB)
    assert p.counters.pte == (0 if scheme in AT_ONCE else 1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_entry_keeps_its_page_under_every_design(scheme):
    p, memory = heap(scheme, 2 * MiB)
    p.touch(memory)
    p.madvise(memory + 4 * KiB, "DONTNEED", 2 * MiB - 4 * KiB)
    p.background()
    assert (p.counters.pte, p.counters.present) == (1, 1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_hole_in_a_file_frees_tables_only_where_a_zap_does(scheme):
    p = Process(scheme, kernel="6.18", grain="table")
    file = p.file(2 * MiB)
    memory = p.mmap(2 * MiB, at=HEAP, shared=True, file=file)
    p.touch(memory)
    p.punch(file, 0, 2 * MiB)
    frees = scheme in ("pte_refcount", "percpu_ref", "pt_rwsem", "every_level")
    assert p.counters.pte == (0 if frees else 1)
    p.check()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_time_travel_restores_what_a_design_keeps_for_itself(scheme):
    p, memory = heap(scheme)
    p.touch(memory)
    p.madvise(memory, "FREE")
    p.madvise(memory, "DONTNEED", 2 * MiB)
    p.background()
    end, last = outcome(p), len(p.journal)
    p.journal.seek(0)
    assert p.counters.vmpte_kb == 0
    p.journal.seek(last)
    assert outcome(p) == end
    p.check()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_says_what_became_of_it_and_where_it_is_from(scheme):
    cls = SCHEMES[scheme]
    assert cls.name == scheme and cls.fate.endswith(".") and cls.source
    assert Process(scheme).kernel == cls.kernel
