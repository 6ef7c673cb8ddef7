"""Huge pages: the table in reserve, splits, the huge zero page, collapse.

The numbers are VmPTE changes in kB measured on Linux 6.18.44 (CONFIG_PT_RECLAIM=y, 4 levels).
"""

import pytest

from ptlab import SCHEMES, KernelError, KiB, MiB, NotModelled, Process, TiB
from ptlab.base import pte
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind
from ptlab.state.memmap import State
from tests.support.snapshot import live_tables
from tests.support.vectors import vmpte_changes

A = 16 * TiB
GRAINS = ("entry", "table", "range")
MEASURED = {
    "an anonymous huge page saves no table": (
        "mmap s0+1G 8M thp\ntouch w s0+1G 8M 2M\nmadvise DONTNEED s0+1G 4K\n"
        "madvise DONTNEED s0+1G+2M 2M\nmadvise DONTNEED s0+1G 2M\nmunmap s0+1G 8M",
        [0, 20, 20, 16, 12, 0],
    ),
    "nor does the huge zero page": (
        "mmap s0+1G 8M thp\ntouch r s0+1G 8M 2M\nmadvise DONTNEED s0+1G 8M",
        [0, 20, 4],
    ),
    "collapse keeps the table of anonymous memory in reserve": (
        "mmap s0+1G 2M keepthp\ntouch w s0+1G 2M\nmadvise COLLAPSE s0+1G 2M",
        [0, 8, 8],
    ),
    "collapse frees the table of shared memory": (
        "mmap s0+1G 2M shared keepthp\ntouch w s0+1G 2M\nmadvise COLLAPSE s0+1G 2M",
        [0, 8, 4],
    ),
}


def huge(*args, grain="entry", kernel=None, **kwargs):
    """A process with `kwargs` mapped at A, to be backed by huge pages."""
    p = Process(*args, kernel=kernel, grain=grain)
    p.mmap(4 * MiB, at=A, **kwargs)
    p.madvise(A, "HUGEPAGE", 4 * MiB)
    return p


def kinds(process, *wanted):
    return [(s.kind, s.fn) for s in process.journal.steps if s.kind in wanted]


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("story", MEASURED)
def test_as_measured(story, grain):
    ops, kilobytes = MEASURED[story]
    assert vmpte_changes(ops, grain=grain) == kilobytes


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_fault_maps_512_pages_and_keeps_a_table_in_reserve(scheme):
    p = huge(scheme, kernel="6.18")
    assert p.touch(A, 2 * MiB) == 1
    assert (p.counters.huge_kb, p.counters.anon_kb, p.counters.pte) == (2048, 2048, 1)
    assert live_tables(p, Level.PTE) == []  # the one that VmPTE counts is in no tree
    p.check()
    p.munmap(A, 4 * MiB)
    assert p.counters.vmpte_kb == 0
    p.check()


def test_a_table_that_is_there_already_is_used():
    p = Process()
    p.mmap(2 * MiB, at=A)
    p.touch(A, 4 * KiB)
    p.madvise(A, "HUGEPAGE", 2 * MiB)
    assert (p.touch(A, 2 * MiB), p.counters.huge_kb) == (511, 0)


@pytest.mark.parametrize("start", [A + 4 * KiB, A + 2 * MiB])
def test_no_huge_page_where_the_two_mib_are_not_all_inside_the_vma(start):
    p = Process()
    p.mmap(2 * MiB, at=start)
    p.madvise(start, "HUGEPAGE", 2 * MiB)
    p.touch(start, 4 * KiB)
    assert p.counters.huge_kb == (2048 if start % (2 * MiB) == 0 else 0)


SPLITS = {
    "DONTNEED of a page": (lambda p: p.madvise(A, "DONTNEED", 4 * KiB), 511),
    "FREE of a page": (lambda p: p.madvise(A, "FREE", 4 * KiB), 512),
    "mprotect of a page": (lambda p: p.mprotect(A, "r", 4 * KiB), 512),
    "munmap of a page": (lambda p: p.munmap(A, 4 * KiB), 511),
    "mremap of a page": (
        lambda p: p.mremap(A, 4 * KiB, to=A + 8 * MiB + 4 * KiB, old_length=4 * KiB),
        512,
    ),
}


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("case", SPLITS)
def test_what_touches_a_part_splits_the_page_into_its_table(case, scheme, grain):
    act, left = SPLITS[case]
    p = huge(scheme, grain=grain, kernel="6.18")
    p.touch(A, 2 * MiB)
    frame = int(pte.pfn(p.machine.mem.entries.word(p.mm.lookup(A, Level.PMD), A >> 21 & 511)))
    act(p)
    assert kinds(p, Kind.SPLIT) == [(Kind.SPLIT, "__split_huge_pmd")]
    assert (p.counters.huge_kb, p.counters.present) == (0, left)
    table = p.mm.lookup(A + MiB, Level.PTE)
    assert pte.pfn(p.machine.mem.entries.word(table, 300)) == frame + 300
    p.check()


def test_references_a_withdrawn_table_starts_at_512():
    p = huge("pte_refcount")
    p.touch(A, 4 * KiB)
    p.madvise(A, "DONTNEED", 4 * KiB)
    counts = []
    for k, step in enumerate(p.journal.steps, 1):
        if step.kind in (Kind.SPLIT, Kind.GET, Kind.PUT):
            p.journal.seek(k)
            counts.append((step.fn, int(p.machine.mem.refcount[step.tables])))
    assert counts == [
        ("__split_huge_pmd", 512),
        ("pte_try_get", 513),
        ("pte_put", 512),
        ("pte_put", 511),
    ]


def test_references_a_table_in_reserve_has_none():
    p = huge("pte_refcount")
    p.touch(A, 4 * KiB)
    (table,) = [s.tables for s in p.journal.steps if s.kind is Kind.DEPOSIT]
    assert p.machine.mem.refcount[table] == 0
    p.madvise(A, "DONTNEED", 2 * MiB)
    assert kinds(p, Kind.FREE)[-1] == (Kind.FREE, "zap_deposited_table") and p.counters.pte == 0


@pytest.mark.parametrize("act", ["DONTNEED", "FREE", "COLD"])
def test_the_whole_page_is_not_split(act):
    p = huge()
    p.touch(A, 4 * KiB)
    p.madvise(A, act, 2 * MiB)
    assert not kinds(p, Kind.SPLIT)
    assert (p.counters.huge_kb, p.counters.pte) == ((0, 0) if act == "DONTNEED" else (2048, 1))


def test_a_huge_page_moves_with_its_reserve():
    p = huge()
    p.touch(A, 4 * MiB)
    p.mremap(A, 4 * MiB, to=A + 2 * TiB, old_length=4 * MiB)
    assert kinds(p, Kind.MOVE) == [(Kind.MOVE, "move_huge_pmd")] * 2 and not kinds(p, Kind.SPLIT)
    p.check()
    p.madvise(A + 2 * TiB, "DONTNEED", 4 * KiB)
    assert (p.counters.present, p.counters.pte) == (1023, 2)


def test_a_forked_huge_page_is_shared_and_split_by_the_next_writer():
    p = huge()
    p.touch(A, 4 * KiB)
    child = p.fork()
    assert (child.counters.huge_kb, child.counters.vmpte_kb) == (2048, 12)
    assert child.touch(A, 4 * KiB) == 1
    assert (child.counters.huge_kb, p.counters.huge_kb, child.counters.anon_kb) == (0, 2048, 2048)
    child.exit()
    assert p.touch(A, 4 * KiB) == 1 and p.counters.huge_kb == 2048
    p.check()


@pytest.mark.parametrize(("kernel", "left"), [("6.12", (0, 4, 511)), ("6.18", (2048, 2048, 0))])
def test_since_6_13_a_write_to_the_huge_zero_page_gives_a_huge_page(kernel, left):
    p = huge(kernel=kernel)
    assert p.touch(A, 2 * MiB, write=False) == 1
    assert (p.counters.rss_kb, p.counters.present, p.counters.pte) == (0, 512, 1)
    p.touch(A, 4 * KiB)
    assert (p.counters.huge_kb, p.counters.anon_kb, p.counters.zeropg) == left


def test_references_a_collapsed_table_goes_into_reserve_with_none():
    p = Process("pte_refcount")
    p.mmap(2 * MiB, at=A)
    p.touch(A, 64 * KiB)
    table = p.mm.lookup(A, Level.PTE)
    p.madvise(A, "COLLAPSE", 2 * MiB)
    assert p.machine.mem.state[table] == State.DEPOSITED and p.machine.mem.refcount[table] == 0


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_collapse_copies_what_is_there_into_a_huge_page(scheme, grain):
    p = Process(scheme, grain=grain)
    p.mmap(4 * MiB, at=A)
    p.touch(A, 64 * KiB)
    p.madvise(A, "COLLAPSE", 2 * MiB)
    assert (p.counters.huge_kb, p.counters.anon_kb, p.counters.pte) == (2048, 2048, 1)
    assert p.touch(A, 2 * MiB) == 0
    p.check()
    p.madvise(A, "DONTNEED", 4 * KiB)
    assert p.counters.present == 511
    p.check()


@pytest.mark.parametrize("grain", GRAINS)
def test_every_moment_of_a_collapse_is_sound_with_the_table_out_of_the_tree(grain):
    p = huge(grain=grain)
    p.touch(A, 4 * KiB)
    p.madvise(A, "DONTNEED", 4 * KiB)
    p.madvise(A, "COLLAPSE", 2 * MiB)
    for position in reversed(range(len(p.journal))):
        p.journal.seek(position)
        p.check()


def test_collapse_of_shared_memory_retracts_every_processs_table_through_rcu():
    p = Process()
    p.mmap(2 * MiB, at=A, shared=True)
    p.touch(A, 2 * MiB)
    child = p.fork()
    child.touch(A, 2 * MiB, write=False)
    assert (p.counters.pte, child.counters.pte) == (1, 1)
    p.madvise(A, "COLLAPSE", 2 * MiB)
    assert kinds(p, Kind.RCU) == [(Kind.RCU, "call_rcu")] * 2
    assert (p.counters.pte, p.counters.present, child.counters.pte) == (0, 512, 0)
    assert child.touch(A, 2 * MiB) == 1 and child.counters.present == 512
    p.munmap(A, 4 * KiB)  # a file's huge page is not split: the entry goes, faults bring it back
    assert (p.counters.present, p.counters.pte) == (0, 0)


COLLAPSE_REFUSED = {
    "memory never touched": lambda p: p.mmap(2 * MiB, at=A),
    "no page of one's own": lambda p: p.touch(p.mmap(2 * MiB, at=A), 4 * KiB, write=False),
    "shared memory never touched (measured)": lambda p: p.mmap(2 * MiB, at=A, shared=True),
    "MADV_NOHUGEPAGE": lambda p: p.madvise(p.mmap(2 * MiB, at=A), "NOHUGEPAGE"),
}


@pytest.mark.parametrize("case", COLLAPSE_REFUSED)
def test_collapse_needs_a_page_and_consent(case):
    p = Process()
    COLLAPSE_REFUSED[case](p)
    before = p.counters
    with pytest.raises(KernelError) as refused:
        p.madvise(A, "COLLAPSE", 2 * MiB)
    assert refused.value.name == "EINVAL" and p.counters == before


@pytest.mark.parametrize("levels", [4, 5])
def test_collapse_of_a_file_never_touched_here_builds_the_upper_tables_as_measured(levels):
    p = Process(levels=levels)
    p.mmap(2 * MiB, at=A, shared=True, file=p.file(2 * MiB, filled=True))
    p.madvise(A, "COLLAPSE", 2 * MiB)
    assert (p.counters.pud, p.counters.pmd, p.counters.pte, p.counters.present) == (1, 1, 0, 512)
    p.check()
    assert p.touch(A, 2 * MiB) == 0


def test_collapse_of_a_private_mapping_with_a_page_of_its_own_is_refused_as_measured():
    p = Process()
    p.mmap(2 * MiB, at=A, file=p.file(2 * MiB, filled=True))
    p.touch(A, 4 * KiB)
    with pytest.raises(KernelError) as refused:
        p.madvise(A, "COLLAPSE", 2 * MiB)
    assert refused.value.name == "EINVAL"
    p.check()


def test_collapse_leaves_a_guard_alone_as_measured():
    p = Process()
    p.mmap(2 * MiB, at=A)
    p.touch(A, 2 * MiB)
    p.madvise(A + MiB, "GUARD_INSTALL", 4 * KiB)
    with pytest.raises(KernelError) as refused:
        p.madvise(A, "COLLAPSE", 2 * MiB)
    assert refused.value.name == "EINVAL" and p.counters.swap == 1


def test_a_range_without_two_whole_mib_collapses_nothing():
    p = Process()
    p.touch(p.mmap(4 * MiB, at=A))
    p.madvise(A + 4 * KiB, "COLLAPSE", 2 * MiB)
    assert p.counters.huge_kb == 0


@pytest.mark.parametrize(
    ("range_", "mlocked"),
    [((4 * KiB, 8 * KiB), 0), ((0, 2 * MiB), 4 * KiB)],
    ids=["inside one 2 MiB", "a VMA without a whole 2 MiB"],
)
def test_collapse_where_no_huge_page_has_room_is_refused_as_measured(range_, mlocked):
    p = Process()
    p.mmap(4 * MiB, at=A)
    p.touch(A, 4 * KiB)
    if mlocked:
        p.munmap(A + 2 * MiB, 2 * MiB)
        p.mlock(A, mlocked)
    offset, length = range_
    with pytest.raises(KernelError, match="no room for a huge page") as refused:
        p.madvise(A + offset, "COLLAPSE", length)
    assert refused.value.name == "EINVAL" and p.counters.huge_kb == 0


def collapsed(p):
    """A shared mapping at A of a file whose 2 MiB are one huge page now; returns the file."""
    file = p.file(2 * MiB, filled=True)
    p.mmap(2 * MiB, at=A, shared=True, file=file)
    p.touch(A, 4 * KiB)
    p.madvise(A, "COLLAPSE", 2 * MiB)
    return file


def test_collapse_leaves_a_table_that_maps_more_than_the_file_as_measured():
    p = Process()
    file = p.file(2 * MiB, filled=True)
    p.touch(p.mmap(4 * KiB, at=A + 4 * MiB), 4 * KiB)
    p.mmap(2 * MiB, at=A + 4 * MiB + 4 * KiB, shared=True, file=file)
    p.touch(A + 4 * MiB + 4 * KiB, 4 * KiB)
    p.mmap(2 * MiB, at=A, shared=True, file=file)
    p.touch(A, 4 * KiB)
    p.madvise(A, "COLLAPSE", 2 * MiB)
    assert (p.counters.anon_kb, p.counters.filepg) == (4, 512)  # the small file pages went
    assert p.touch(A + 4 * MiB, 4 * KiB) == 0
    p.check()


def test_a_private_write_to_a_collapsed_file_copies_4_kib_as_measured():
    p = Process()
    p.mmap(2 * MiB, at=A + 4 * MiB, file=collapsed(p))
    p.touch(A + 4 * MiB, 4 * KiB)
    assert (p.counters.huge_kb, p.counters.present, p.counters.anon_kb) == (2048, 513, 4)
    p.check()


def test_a_huge_page_of_a_file_does_not_take_the_place_of_a_table():
    p = Process()
    file = p.file(2 * MiB, filled=True)
    p.mmap(2 * MiB, at=A + 4 * MiB, file=file)
    p.touch(A + 4 * MiB, 4 * KiB)
    p.mmap(2 * MiB, at=A, shared=True, file=file)
    p.touch(A, 4 * KiB)
    p.madvise(A, "COLLAPSE", 2 * MiB)
    p.touch(A + 5 * MiB, 4 * KiB, write=False)
    assert (p.counters.huge_kb, p.counters.anon_kb) == (2048, 4)
    p.check()


CUTS = {
    "mlock": lambda p: p.mlock(A, 4 * KiB),
    "munmap": lambda p: p.munmap(A + MiB, MiB),
    "mprotect": lambda p: p.mprotect(A, "r", 4 * KiB),
    "madvise": lambda p: p.madvise(A, "NOHUGEPAGE", 4 * KiB),
}


@pytest.mark.parametrize("call", CUTS)
def test_a_vma_border_inside_a_huge_page_splits_it_as_measured(call):
    """vma_adjust_trans_huge()"""
    p = Process()
    p.madvise(p.mmap(2 * MiB, at=A), "HUGEPAGE")
    p.touch(A, 4 * KiB)
    CUTS[call](p)
    assert p.counters.huge_kb == 0
    p.check()


def test_an_unknown_setting_of_huge_pages_is_refused_and_time_goes_back_over_it():
    p = Process()
    with pytest.raises(ValueError, match="sometimes"):
        p.thp_enabled("sometimes")
    heap = p.mmap(2 * MiB)
    p.thp_enabled("always")
    p.touch(heap, 4096)
    assert p.counters.huge_kb == 2048
    p.journal.seek(0)
    assert p.machine.thp == "madvise"


def test_who_gets_huge_pages_of_shared_memory_is_a_setting_of_its_own():
    p = Process(kernel="6.18")
    with pytest.raises(ValueError, match="unknown mode 'deny': one of always, within_size"):
        p.shmem_enabled("deny")
    p.thp_enabled("never")
    for mode, huge in (("never", 0), ("advise", 0), ("within_size", 1), ("always", 1)):
        p.shmem_enabled(mode)
        shared = p.mmap(2 * MiB, shared=True)
        p.touch(shared, 4 * KiB)
        assert p.counters.huge_kb == 2048 * huge
        p.munmap(shared)
    file = p.file(1 * MiB)
    assert p.touch(p.mmap(2 * MiB, shared=True, file=file), 1 * MiB) == 1
    p.check()


def test_a_fault_before_6_11_brings_a_huge_page_also_where_the_vma_is_too_small():
    present = {}
    for kernel in ("6.1", "6.12"):
        p = Process(kernel=kernel)
        p.shmem_enabled("always")
        file = p.file(2 * MiB)
        p.touch(p.mmap(1 * MiB, shared=True, file=file), 4 * KiB)
        present[kernel] = int(file.is_huge(0))
        p.check()
    assert present == {"6.1": 1, "6.12": 0}


@pytest.mark.parametrize("mode", ["always", "within_size"])
def test_a_large_folio_of_another_size_is_not_guessed(mode):
    p = Process(kernel="6.18")
    file = p.file(4 * MiB)
    p.touch(p.mmap(4 * MiB, shared=True, file=file), 4 * KiB)
    p.shmem_enabled(mode)
    p.allocate(file, 2 * MiB, 2 * MiB)
    assert file.is_huge(512) and not file.is_huge(0)
    with pytest.raises(NotModelled, match="another size than 2 MiB"):
        p.allocate(file, 0, 64 * KiB)
    if mode == "within_size":
        with pytest.raises(NotModelled, match="another size than 2 MiB"):
            p.file(3 * MiB, filled=True)
