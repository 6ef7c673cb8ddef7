"""mmap and munmap: the VMAs, and what becomes of the tables below them.

Kernel source: mm/mmap.c (6.1), mm/vma.c (6.12): do_mmap(), mmap_region(), do_vmi_align_munmap(),
vms_clear_ptes(). Simplified: no limits (RLIMIT_AS, max_map_count, overcommit).
"""

from __future__ import annotations

import errno
from dataclasses import replace
from functools import partial

from ptlab.base.call_path import not_in_kernel
from ptlab.base.errors import KernelError
from ptlab.base.facts import Span, VmaChanged, VmaMapped, VmaUnmapped
from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE, PMD_SHIFT, PMD_SIZE, Level, page_align
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.hugetlb_mapping import (
    hugetlb_file_setup,
    hugetlb_vm_op_close,
    hugetlbfs_file_mmap,
    may_split,
    whole_huge_pages,
)
from ptlab.paths.hugetlb_share import hugetlb_unshare_pmds
from ptlab.paths.pgtables import free_pgtables, still_found
from ptlab.paths.populate import mm_populate
from ptlab.paths.recheck import vma_end_write_all, vma_start_write
from ptlab.paths.shmem_huge import shmem_get_unmapped_area
from ptlab.paths.thp import split_huge_pmd
from ptlab.paths.unmapped_area import get_unmapped_area
from ptlab.paths.vma_change import add_vma, change_vmas, refuse_sealed
from ptlab.paths.zap import UNMAP, unmap_single_vma
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu
from ptlab.state.page_cache import File, new_file
from ptlab.state.vma import (
    VM,
    Vma,
    Vmas,
    find_vma_intersection,
    merge,
    overlapping,
    prot_name,
    split_at,
)

PROTECTIONS: dict[str, int] = {
    prot_name(rights): rights
    for rights in (0, VM.READ, VM.READ | VM.WRITE, VM.WRITE, *range(VM.EXEC, 2 * VM.EXEC))
}
"""The names of the rights: any of r, w and x, in this order, or none."""


class MAP:
    """The flags of mmap; values as in include/uapi/asm-generic/mman-common.h and asm/mman.h."""

    SHARED = 0x1
    PRIVATE = 0x2
    FIXED = 0x10
    ANONYMOUS = 0x20
    GROWSDOWN = 0x100
    LOCKED = 0x2000
    NORESERVE = 0x4000
    POPULATE = 0x8000
    STACK = 0x20000
    HUGETLB = 0x40000
    FIXED_NOREPLACE = 0x100000


def do_mmap(
    mm: Mm,
    at: int | None,
    length: int,
    prot: int,
    flags: int,
    file: File | None = None,
    offset: int = 0,
    hugetlb: int = 0,
) -> Path[int]:
    """mmap(): returns the address. Builds no table, unless MAP_POPULATE or MAP_LOCKED asks for it.

    Anonymous memory unless `file` is given; `offset` in bytes. Shared anonymous memory is a file of
    its own (shmem_zero_setup). at None: the kernel chooses; at without MAP_FIXED: MAP_FIXED_NOREPLACE.
    `hugetlb`: the size of a page of MAP_HUGETLB.
    """
    _check(mm, at, length, offset)
    if flags & MAP.GROWSDOWN and (flags & MAP.SHARED or file is not None):
        why = "only private anonymous memory grows down (MAP_GROWSDOWN)"
        raise KernelError(errno.EINVAL, f"mmap: {why}; nothing was mapped")
    length, shared, over = page_align(length), bool(flags & MAP.SHARED), bool(flags & MAP.FIXED)
    if hugetlb:
        file = hugetlb_file_setup(mm.machine, length, hugetlb)
    length = whole_huge_pages(file, at, length)
    yield from mm.machine.lock("mmap_write_lock", "mmap_lock", mm.id, "write")
    try:
        aligned = file is None and not shared
        align = file.hstate.size if file is not None and file.hstate is not None else 0
        start = get_unmapped_area(mm, at, length, aligned, over, align)
        if at is None and (shared if file is None else file.kind == "memfd"):
            start = shmem_get_unmapped_area(mm, start, length, offset)
        if over:
            yield from do_vmi_align_munmap(mm, start, start + length, downgrade=False)
        new = _new_vma(mm, start, length, prot, flags, file, offset)
    except KernelError:
        yield from vma_end_write_all(mm)
        yield mm.machine.unlock("mmap_write_unlock", "mmap_lock")
        raise
    whole = yield from add_vma(mm, new)
    yield Step(Kind.VMA, "mmap_region", None, 1, 1, VmaMapped(new.span, new.flags, whole.span))
    yield from vma_end_write_all(mm)
    yield mm.machine.unlock("mmap_write_unlock", "mmap_lock")
    if flags & MAP.POPULATE or _vm_flags(mm, prot, flags) & VM.LOCKED:
        yield from mm_populate(mm, start, start + length, ignore_errors=True)
    return start


def _new_vma(
    mm: Mm, start: int, length: int, prot: int, flags: int, file: File | None, offset: int
) -> Vma:
    """The VMA, and the file behind shared memory. ENOMEM: a hugetlb pool has no pages to promise."""
    if flags & MAP.SHARED and file is None:
        file = new_file(mm.machine, length, "shm", False)
    pgoff = start >> PAGE_SHIFT if file is None else offset >> PAGE_SHIFT
    vm_flags = _vm_flags(mm, prot, flags)
    return hugetlbfs_file_mmap(mm, Vma(start, start + length, vm_flags, pgoff, None, 0, file))


def _check(mm: Mm, at: int | None, length: int, offset: int) -> None:
    """EINVAL (length 0, unaligned address) or ENOMEM (beyond the address space)."""

    def refusal(why: str, number: int = errno.EINVAL) -> KernelError:
        return KernelError(number, f"mmap: {why}; nothing was mapped")

    if length <= 0:
        raise refusal(f"length {length} must be above 0")
    if at is not None and at % PAGE_SIZE:
        raise refusal(f"address {at:#x} is not a multiple of {PAGE_SIZE}")
    if offset % PAGE_SIZE or offset < 0:
        raise refusal(f"offset {offset:#x} is not a multiple of {PAGE_SIZE}, from 0 on")
    length, limit = page_align(length), mm.machine.geometry.task_size
    if length > limit or (at is not None and not 0 <= at <= limit - length):
        where = "" if at is None else f" at {at:#x}"
        raise refusal(f"{length:#x} bytes{where} do not fit below {limit:#x}", errno.ENOMEM)


def _vm_flags(mm: Mm, prot: int, flags: int) -> int:
    """calc_vm_flag_bits() and accountable_mapping(): private writable memory is accounted for."""
    vm_flags = prot | mm.layout.def_flags | (VM.SHARED if flags & MAP.SHARED else 0)
    vm_flags |= VM.GROWSDOWN if flags & MAP.GROWSDOWN else 0
    vm_flags |= VM.LOCKED if flags & MAP.LOCKED else 0
    if flags & MAP.STACK and mm.machine.profile.stack_small:
        vm_flags |= VM.NOHUGEPAGE
    if flags & MAP.NORESERVE:
        return vm_flags | VM.NORESERVE
    return vm_flags | VM.ACCOUNT if vm_flags & (VM.WRITE | VM.SHARED) == VM.WRITE else vm_flags


def do_munmap(mm: Mm, start: int, length: int) -> Path[None]:
    """munmap(). Holes are fine; nothing mapped there is fine too. EINVAL: unaligned, 0, too high."""
    limit = mm.machine.geometry.task_size
    if start % PAGE_SIZE or start < 0 or length <= 0 or start + length > limit:
        raise KernelError(
            errno.EINVAL,
            f"munmap: [{start:#x}, {start + length:#x}) must be page aligned, not empty and below "
            f"{limit:#x}; nothing was unmapped",
        )
    end = start + page_align(length)
    exclusive = not mm.machine.others.lacks(Precaution.MMAP_WRITE)
    mode = "write" if exclusive else "read"
    yield from mm.machine.lock("mmap_write_lock", "mmap_lock", mm.id, mode)
    try:
        downgraded = yield from do_vmi_align_munmap(mm, start, end, downgrade=True)
    except KernelError:
        yield from vma_end_write_all(mm)
        yield mm.machine.unlock("mmap_write_unlock", "mmap_lock")
        raise
    if downgraded:
        yield mm.machine.unlock("mmap_read_unlock", "mmap_lock")
    else:
        yield mm.machine.unlock("mmap_write_unlock", "mmap_lock")


def do_vmi_align_munmap(mm: Mm, start: int, end: int, downgrade: bool) -> Path[bool]:
    """Split at the edges, detach the VMAs, zap, free_pgtables(). Returns whether it downgraded.

    EPERM: a VMA is sealed, and nothing is unmapped; one before it stays split at `start`.
    """
    found, machine = overlapping(mm.vmas, start, end), mm.machine
    if not found:
        return False
    if any(vma.flags & VM.SEALED for vma in found[1:]) and not found[0].flags & VM.SEALED:
        yield from before_split(mm, start, start)
        yield from change_vmas(mm, lambda vmas: split_at(vmas, start))
    for vma in found:
        refuse_sealed("munmap", vma)
    yield from _split_vma(mm, start)
    yield from _split_vma(mm, end)
    for vma in overlapping(mm.vmas, start, end):
        yield from vma_start_write(mm, vma)
    gone, low = overlapping(mm.vmas, start, end), mm.vmas.index_above(start)
    rest = mm.vmas.spliced(low, low + len(gone), ())
    mm.set_vmas(rest)
    still_found(mm, gone)
    out = VmaUnmapped(tuple(vma.span for vma in gone))
    yield Step(Kind.VMA, "vms_gather_munmap_vmas", None, len(gone), 1, out)
    if downgrade:
        yield from vma_end_write_all(mm)
        yield machine.downgrade("mmap_write_downgrade", "mmap_lock")
    tlb = MmuGather(mm)
    for vma in gone:
        yield from unmap_single_vma(mm, tlb, vma, vma.start, vma.end, UNMAP)
    floor = rest[low - 1].end if low else 0
    ceiling = rest[low].start if low < len(rest) else 0
    yield from free_pgtables(mm, tlb, gone, floor, ceiling)
    yield from tlb_flush_mmu(tlb)
    for vma in gone:
        hugetlb_vm_op_close(vma)
    return downgrade


@not_in_kernel
def _split_vma(mm: Mm, address: int) -> Path[None]:
    """Cut what is mapped at `address` in two there; EINVAL inside a hugetlb page."""
    yield from before_split(mm, address, address)
    yield from change_vmas(mm, partial(split_at, address=address))


@not_in_kernel
def before_split(mm: Mm, start: int, end: int) -> Path[None]:
    """What __split_vma() does at `start` and `end`, if they are inside a VMA, before it cuts there.

    Faults in the whole VMA are waited for, and a huge page across the border is split
    (vma_adjust_trans_huge()).
    """
    for address in (start, end):
        vma = find_vma_intersection(mm.vmas, address, address + PAGE_SIZE)
        if vma is None or vma.start >= address:
            continue
        may_split(vma, address)
        yield from hugetlb_unshare_pmds(mm, vma, address)
        yield from vma_start_write(mm, vma)
        pmd, slot = mm.lookup(address, Level.PMD), address >> PMD_SHIFT & 511
        if address % PMD_SIZE and pmd and mm.is_huge(pmd, slot):
            scheme = (
                mm.machine.scheme
            )  # the entry of a file's huge page goes, its table may be next
            walk = yield from scheme.walk_begins(mm, address, address + PAGE_SIZE)
            yield from split_huge_pmd(mm, pmd, slot)
            yield from scheme.walk_ends(mm, walk)


def vma_modify(mm: Mm, fn: str, vma: Vma, start: int, end: int, flags: int) -> Path[Vma]:
    """Give the part [start, end) of `vma` other flags: split, change, merge. Returns the new VMA."""
    if vma.hugetlb:  # it merges with nothing, and may be cut at its start before its end is refused
        yield from _split_vma(mm, start)
    yield from before_split(mm, start, end)
    unfaulted = mm.machine.profile.merge_unfaulted

    def change(vmas: Vmas) -> Vmas:
        vmas = split_at(split_at(vmas, start), end)
        index = vmas.index_above(start)
        changed = replace(vmas[index], flags=flags)
        return merge(vmas.spliced(index, index + 1, ()), changed, unfaulted)[0]

    yield from change_vmas(mm, change)
    yield Step(Kind.VMA, fn, None, 1, 1, VmaChanged(Span(start, end), vma.flags, flags))
    return mm.find_vma(start)
