"""hugetlb. What Linux does is in the recordings T_hugetlb_*; here are rules, errors and messages."""

import pytest

from ptlab import BusError, Corruption, GiB, KernelError, KiB, MiB, Process
from ptlab.draw.sentences import sentence
from ptlab.scenario import parse
from ptlab.scenario.builtin import builtin
from ptlab.scenario.player import play
from ptlab.state.hugetlb import Hstate
from ptlab.state.invariants import check
from ptlab.state.shared_tables import places

RECORDED = [name for name in builtin() if name.startswith("T_hugetlb")]


def pool(p, size=2 * MiB):
    h = p.machine.hugetlb.hstates[size]
    return h.nr_huge_pages, h.free_huge_pages, h.resv_huge_pages


@pytest.fixture
def process():
    p = Process("pt_reclaim", grain="table")
    p.hugepages(3)
    return p


@pytest.mark.parametrize("name", RECORDED)
def test_the_pools_are_in_order_after_every_op_and_full_at_the_end(name):
    p = Process("pt_reclaim", grain="range")
    for _ in play(p, builtin()[name]):
        p.check()
    p.exit()
    for h in p.machine.hugetlb.hstates.values():
        open_files = [f for f in p.machine.files if f.hstate is h and f.opened]
        held = sum(len(f.cached(0, len(f.cache))) // h.pages for f in open_files)
        assert h.free_huge_pages == h.nr_huge_pages - held
        assert held or h.resv_huge_pages == 0


def test_a_lost_page_of_the_pool_is_found(process, monkeypatch):
    heap = process.mmap(2 * MiB, hugetlb=2 * MiB)
    process.touch(heap, 4 * KiB)
    monkeypatch.setattr(Hstate, "give_back", lambda self, reserved: None)
    process.madvise(heap, "DONTNEED")
    with pytest.raises(Corruption, match=r"in use, but its counts say 1"):
        process.check()


def test_a_mapping_reserves_its_pages(process):
    heap = process.mmap(4 * MiB, hugetlb=2 * MiB)
    assert pool(process) == (3, 3, 2)
    with pytest.raises(KernelError, match="2 2 MiB pages wanted, and the pool has 1") as refused:
        process.mmap(4 * MiB, hugetlb=2 * MiB)
    assert refused.value.name == "ENOMEM" and process.machine.held == [()]
    process.touch(heap, 4 * KiB)
    assert pool(process) == (3, 2, 1)
    process.munmap(heap)
    assert pool(process) == (3, 3, 0)
    assert process.machine.mem.next_pfn[0] == 3  # PGD, PUD and PMD page: no PTE page ever


def test_a_fault_without_a_page_is_a_bus_error_that_says_so(process):
    heap = process.mmap(8 * MiB, hugetlb=2 * MiB, noreserve=True)
    with pytest.raises(BusError, match="SIGBUS: 1 accesses refused"):
        process.touch(heap, stride=2 * MiB)
    said = [sentence(process.machine.mem, step) for step in process.journal.steps]
    assert any("finds no huge page left in the pool: SIGBUS" in words for words in said)


def test_a_huge_page_of_1_gib_is_an_entry_of_a_pud_page():
    p = Process("pt_reclaim", grain="table")
    p.hugepages(1, GiB)
    heap = p.mmap(GiB, hugetlb=GiB)
    p.touch(heap, 4 * KiB)
    n = p.counters
    assert (n.pud, n.pmd, n.pte, n.hugetlb_kb, n.present) == (1, 0, 0, 1 << 20, 1 << 18)
    assert "1 PUD + 0 PMD" in str(p)
    p.check()


def test_a_step_back_takes_the_page_back_to_the_pool(process):
    heap = process.mmap(2 * MiB, hugetlb=2 * MiB)
    process.touch(heap, 4 * KiB)
    end = process.journal.position
    process.journal.seek(0)
    assert pool(process)[1:] == (3, 0)
    process.journal.seek(end)
    assert pool(process) == (3, 2, 0)
    process.check()


def test_the_owner_takes_the_page_of_its_child_when_the_pool_is_empty(process):
    heap = process.mmap(6 * MiB, hugetlb=2 * MiB)
    process.touch(heap, stride=2 * MiB)
    child = process.fork()
    process.touch(heap, stride=2 * MiB)
    assert (process.counters.hugetlb_kb, child.counters.hugetlb_kb) == (6144, 0)
    process.check()
    child.check()


@pytest.mark.parametrize(
    ("size", "count", "message"),
    [
        (4 * KiB, 1, "2097152 or 1073741824 bytes"),
        (2 * MiB, 0, "are in use"),
    ],
)
def test_a_pool_that_cannot_be(process, size, count, message):
    process.mmap(2 * MiB, hugetlb=2 * MiB)
    with pytest.raises(ValueError, match=message):
        process.hugepages(count, size)


def test_the_language_refuses_a_filled_file_of_huge_pages():
    with pytest.raises(ValueError, match="nothing that contradicts"):
        parse("file f 2M filled hugetlb2M")


@pytest.fixture
def sharing(process):
    """Parent and child that map the same GiB of the pool, and share its PMD page."""
    heap = process.mmap(GiB, at=1 << 44, shared=True, hugetlb=2 * MiB, noreserve=True)
    process.touch(heap, 4 * KiB)
    child = process.fork()
    child.touch(heap, 4 * KiB)
    return process, child, heap


def test_who_shares_a_pmd_page_sees_what_the_other_one_maps(sharing):
    parent, child, heap = sharing
    assert places(parent.machine.mem, 2) == ((1, 0), (4, 0))
    child.touch(heap + 2 * MiB, 4 * KiB)
    assert parent.touch(heap + 2 * MiB, 4 * KiB) == 0
    for one, usage in (parent, 2048), (child, 2048):
        n = one.counters
        assert (n.pmd, n.present, n.hugetlb_kb) == (1, 1024, usage)
        one.check()


@pytest.mark.parametrize("first", [0, 1])
def test_a_shared_pmd_page_stays_with_who_is_left(sharing, first):
    heap, left = sharing[2], sharing[1 - first]
    sharing[first].exit()
    assert left.touch(heap, 4 * KiB) == 0
    assert left.machine.mem.mm[2] == left.mm.id
    left.check()
    left.exit()
    assert pool(left)[1] == 3


def test_the_last_entry_is_named_where_a_pmd_page_is_shared_and_let_go(sharing):
    parent, child, heap = sharing
    child.madvise(heap, "DONTNEED", 2 * MiB)
    steps = [s for s in parent.journal.steps if s.kind == "share"]
    hooked, let_go = (sentence(parent.machine.mem, step) for step in steps)
    assert hooked == (
        "huge_pmd_share: PMD page 2 of another mapping is hooked into PUD page 4, slot 0, too: 2 "
        "entries point to it now; VmPTE grows by 4 kB."
    )
    assert (
        "PMD page 2 is unhooked from PUD page 4, slot 0" in let_go and "1 entry elsewhere" in let_go
    )
    assert (child.counters.present, parent.counters.present) == (0, 512)


def test_time_goes_back_over_a_shared_pmd_page(sharing):
    parent, child, _ = sharing
    parent.exit()
    end = parent.journal.position
    for position in range(end, -1, -7):
        parent.journal.seek(position)
        if parent.journal.at_rest:
            for mm in parent.machine.mms:
                check(mm)
    parent.journal.seek(end)
    child.check()
