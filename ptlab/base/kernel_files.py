"""Where the functions that ptlab follows are in the kernel: file, version, address.

One row for each file. Rows of 6.12 were checked against the sources of 6.12 (Debian's linux-source), by
looking for the definition of each function; what came later names the version that ptlab follows.
A function without a row has the name of its system call or is ptlab's own.
"""

from __future__ import annotations

from typing import NamedTuple

_TREE = "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree"
_MAIL = "https://lore.kernel.org/all"


class Origin(NamedTuple):
    """What a function of ptlab follows: a file, the version or series that it is of, its address."""

    file: str
    of: str
    url: str


def origin(function: str, file: str) -> Origin | None:
    """What `function` of ptlab's `file` follows; None where there is no row for it.

    >>> origin("zap_pte_range", "ptlab/paths/zap.py").file
    'mm/memory.c'
    >>> origin("pte_try_get", "ptlab/schemes/pte_refcount.py").of
    'the v3 series of November 2021, never merged'
    """
    if file in _SERIES:
        theirs, of, message = _SERIES[file]
        return Origin(theirs, of, f"{_MAIL}/{message}/")
    if function in _VERSION_OF:
        theirs, version = _VERSION_OF[function]
        return Origin(theirs, f"Linux {version}", f"{_TREE}/{theirs}?h=v{version}")
    return None


FILES = {
    ("arch/x86/mm/fault.c", "6.12"): "exc_page_fault",
    ("fs/exec.c", "6.12"): "exec_mmap",
    ("fs/open.c", "6.12"): "do_truncate vfs_fallocate",
    ("include/linux/huge_mm.h", "6.12"): "split_folio split_huge_pmd",
    ("include/linux/mm.h", "6.12"): "mm_populate pte_alloc pte_offset_map_lock vma_start_write",
    ("include/linux/mmap_lock.h", "6.12"): "vma_end_write_all",
    ("kernel/fork.c", "6.12"): "dup_mmap mmput",
    ("kernel/rcu/tree.c", "6.12"): "rcu_do_batch",
    ("fs/hugetlbfs/inode.c", "6.18"): (
        "hugetlb_vmdelete_list hugetlb_vmtruncate hugetlbfs_fallocate hugetlbfs_punch_hole"
    ),
    ("mm/internal.h", "6.12"): "vmf_anon_prepare",
    ("mm/gup.c", "6.12"): "faultin_page_range gup_fast populate_vma_page_range",
    ("mm/huge_memory.c", "6.12"): (
        "change_huge_pmd copy_huge_pmd do_huge_pmd_anonymous_page do_huge_pmd_wp_page move_huge_pmd "
        "unmap_folio zap_huge_pmd"
    ),
    ("mm/hugetlb.c", "6.18"): (
        "copy_hugetlb_page_range huge_pmd_share huge_pmd_unshare hugetlb_change_protection "
        "hugetlb_fault hugetlb_no_page hugetlb_unshare_pmds hugetlb_wp "
        "move_hugetlb_page_tables unmap_hugepage_range unmap_ref_private"
    ),
    ("mm/khugepaged.c", "6.12"): (
        "collapse_file collapse_huge_page collapse_pte_mapped_thp hpage_collapse_scan_file "
        "madvise_collapse"
    ),
    ("mm/madvise.c", "6.12"): "do_madvise madvise_pageout madvise_walk_vmas",
    ("mm/madvise.c", "6.13"): "madvise_guard_install madvise_guard_remove vector_madvise",
    ("mm/memory.c", "6.12"): (
        "copy_page_range copy_pmd_range copy_pte_range do_anonymous_page do_fault do_set_pmd "
        "do_swap_page do_wp_page free_pgd_range free_pgtables free_pte_range handle_mm_fault "
        "handle_pte_fault lock_mm_and_find_vma pmd_install unmap_mapping_range unmap_page_range "
        "zap_page_range_single zap_pmd_range zap_pte_range"
    ),
    ("mm/memory.c", "6.18"): "unmap_single_vma",
    ("mm/migrate.c", "6.12"): "try_to_map_unused_to_zeropage",
    ("mm/mlock.c", "6.12"): "apply_mlockall_flags do_mlock mlock_fixup",
    ("mm/mmap.c", "6.12"): "do_brk_flags do_mmap do_munmap exit_mmap expand_downwards",
    ("mm/mmu_gather.c", "6.12"): "tlb_flush_mmu",
    ("mm/mprotect.c", "6.12"): "change_protection change_pte_range mprotect_fixup",
    ("mm/mremap.c", "6.12"): "move_page_tables move_ptes move_vma",
    ("mm/mremap.c", "6.18"): "do_mremap expand_vma",
    ("mm/mseal.c", "6.12"): "do_mseal",
    ("mm/oom_kill.c", "6.12"): "oom_reap_task_mm",
    ("mm/pt_reclaim.c", "6.14"): "try_to_free_pte",
    ("mm/rmap.c", "6.12"): "try_to_unmap",
    ("mm/truncate.c", "6.12"): "truncate_inode_pages truncate_inode_partial_folio",
    ("mm/vma.c", "6.12"): "copy_vma do_vmi_align_munmap unlink_file_vma vma_modify",
}
"""(file, version): the functions that ptlab has of it."""

_VERSION_OF = {name: where for where, names in FILES.items() for name in names.split()}

_BYTEDANCE = "zhengqi.arch@bytedance.com"
_SERIES = {
    "ptlab/schemes/pte_refcount.py": (
        "mm/pte_ref.c",
        "the v3 series of November 2021, never merged",
        f"20211110105428.32458-1-{_BYTEDANCE}",
    ),
    "ptlab/schemes/percpu_ref.py": (
        "patches 13 to 15",
        "the series of April 2022, never merged",
        f"20220429133552.33768-1-{_BYTEDANCE}",
    ),
    "ptlab/schemes/mapped_count.py": (
        "mm/pte_ref.c",
        "the series of August 2022, never merged",
        f"20220825101037.96517-1-{_BYTEDANCE}",
    ),
    "ptlab/schemes/async_scan.py": (
        "mm/freept.c",
        "the series of June 2024, never merged",
        f"cover.1718267194.git.{_BYTEDANCE}",
    ),
}
"""ptlab's file of a design that is history: where in the series it is, and the Message-Id."""
