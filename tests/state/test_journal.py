"""Time runs both ways: stepping, seeking, dropping the future."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab import SCHEMES, KiB, MiB, Process, Story, scenario
from ptlab.scenario.builtin import builtin
from tests.support.snapshot import check_all, everything, live_tables
from tests.support.strategies import programs, rows

few = settings(max_examples=max(5, settings.default.max_examples // 8))


@pytest.mark.parametrize("scheme", SCHEMES)
@few
@given(
    program=programs(longest=6, full=False),
    grain=st.sampled_from(["entry", "range"]),
    data=st.data(),
)
def test_every_moment_is_sound_and_the_same_forward_and_back(scheme, program, grain, data):
    p = Process(scheme, grain=grain)
    rows(p, program)
    journal, end = p.journal, everything(p)
    journal.seek(0)
    forward = [everything(p)]
    while journal.step():
        check_all(p)
        forward.append(everything(p))
    assert forward[-1] == end
    for k in reversed(range(len(journal))):
        assert journal.back()
        assert everything(p) == forward[k], f"step {k} differs on the way back"
    k = data.draw(st.integers(0, len(journal)))
    journal.seek(len(journal))
    journal.seek(k)
    assert everything(p) == forward[k]


@pytest.mark.parametrize("scheme", SCHEMES)
@few
@given(
    past=programs(longest=4, full=False),
    lost=programs(longest=4, full=False),
    future=programs(longest=4, full=False),
)
def test_a_dropped_future_leaves_no_trace(scheme, past, lost, future):
    straight, turned = Process(scheme), Process(scheme)
    rows(straight, past)
    rows(turned, past)
    here = len(turned.journal)
    rows(turned, lost)
    turned.journal.seek(here)
    rows(straight, future)
    rows(turned, future)
    check_all(turned)
    assert everything(turned) == everything(straight)
    assert told(turned) == told(straight)


def told(process):
    return [(s.kind, s.fn, str(s.tables), s.n, s.times) for s in process.journal.steps]


@pytest.fixture(name="told")
def a_touch_and_a_dontneed():
    p = Process("pte_refcount")
    heap = p.mmap(2 * MiB)
    p.touch(heap, 8 * KiB)
    p.madvise(heap, "DONTNEED")
    return p, heap


def test_at_the_beginning_there_is_nothing(told):
    p, _ = told
    p.journal.seek(0)
    assert p.counters.vmas == p.counters.vmpte_kb == p.counters.minflt == 0
    assert live_tables(p) == [p.mm.pgd]
    assert not p.journal.back() and p.journal.position == 0


def test_at_the_end_there_is_no_step_left(told):
    p, _ = told
    assert not p.journal.step() and p.journal.position == len(p.journal)


@pytest.mark.parametrize("position", [-1, 10_000])
def test_seeking_outside_the_story_says_how_long_it_is(told, position):
    p, _ = told
    with pytest.raises(ValueError, match=rf"{position}.* 0 to {len(p.journal)}"):
        p.journal.seek(position)


def test_going_on_from_the_middle_of_a_call_is_refused_and_says_where_to_go(told):
    p, heap = told
    touch = p.journal.operations[1]
    p.journal.seek(touch.first + 3)
    before, steps = everything(p), len(p.journal)
    with pytest.raises(ValueError, match=f"{touch.first}.*{touch.last}"):
        p.touch(heap)
    assert everything(p) == before and len(p.journal) == steps


def test_a_call_in_the_past_replaces_what_came_after(told):
    p, heap = told
    p.journal.seek(p.journal.operations[1].last)
    p.munmap(heap)
    assert [op.text.split("(")[0].split()[0] for op in p.journal.operations] == [
        "mmap",
        "write",
        "munmap",
    ]
    assert p.counters.vmas == p.counters.vmpte_kb == 0


def test_calls_can_be_grouped_under_one_name():
    p = Process()
    with p.operation("get and use 2 MiB"):
        heap = p.mmap(2 * MiB)
        p.touch(heap, 4 * KiB)
    assert [op.text for op in p.journal.operations] == ["get and use 2 MiB"]
    assert p.journal.operations[0].last == len(p.journal)


def test_without_a_journal_nothing_is_kept():
    p = Process(record=False)
    p.touch(p.mmap(2 * MiB))
    assert p.journal is None and p.counters.pte == 1
    with pytest.raises(ValueError, match="record=True"):
        Story(p)


KERNEL = """
change_protection change_pte_range collapse_file collapse_huge_page collapse_pte_mapped_thp
hpage_collapse_scan_file split_folio unmap_folio copy_huge_pmd copy_page_range
truncate_inode_pages truncate_inode_partial_folio try_to_map_unused_to_zeropage
copy_pmd_range copy_pte_range copy_vma do_anonymous_page do_fault do_huge_pmd_anonymous_page
do_huge_pmd_wp_page do_madvise do_mlock do_mmap do_mprotect do_mremap do_munmap do_set_pmd
do_truncate do_vmi_align_munmap do_wp_page dup_mmap exc_page_fault expand_vma exit_mmap free_pgd_range
free_pgtables free_pte_range handle_mm_fault handle_pte_fault madvise_collapse madvise_guard_install
madvise_guard_remove madvise_pageout madvise_walk_vmas mm_populate move_huge_pmd move_page_tables
move_ptes move_vma mprotect_fixup pmd_install populate_vma_page_range pte_alloc pte_offset_map_lock
rcu_do_batch split_huge_pmd vfs_fallocate tlb_flush_mmu try_to_unmap unmap_mapping_range unmap_page_range
vma_modify zap_huge_pmd zap_page_range_single zap_pmd_range zap_pte_range
apply_mlockall_flags change_huge_pmd do_brk_flags do_mseal expand_downwards faultin_page_range
lock_mm_and_find_vma mlock_fixup vector_madvise vmf_anon_prepare
copy_hugetlb_page_range huge_pmd_share huge_pmd_unshare hugetlb_change_protection hugetlb_fault
hugetlb_no_page hugetlb_unshare_pmds hugetlb_vmdelete_list hugetlb_vmtruncate hugetlb_wp
hugetlbfs_fallocate hugetlbfs_punch_hole move_hugetlb_page_tables unmap_hugepage_range
unmap_ref_private unmap_single_vma
exec_mmap mmput
"""
MAILS = "free_user_pte free_user_pte_table pte_try_get task_mm_pgtable_work try_to_free_user_pte"
LONG = ("I cover-letter loop", "R random", "P public programs")
SHORT = [s for s in builtin().values() if s.group not in LONG and s.name != "cover-letter"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_where_a_step_is_said_to_happen_are_functions_of_the_kernel_or_of_the_mails(scheme):
    told = set()
    for played in SHORT:
        p = Process(scheme, grain="range")
        for _ in scenario.play(p, played):
            pass
        # steps in the same place have the same tuple of calls: one of them is enough
        places = {id(p.journal.calls(number)): number for number in range(1, len(p.journal) + 1)}
        told.update(*map(p.journal.path, places.values()))
    program = "touch"  # where a fault comes from
    assert told <= {*KERNEL.split(), *MAILS.split(), program}
    assert {"do_madvise", "zap_pte_range", "handle_pte_fault", "move_page_tables"} <= told
