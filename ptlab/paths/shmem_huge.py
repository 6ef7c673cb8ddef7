"""Huge pages of shared memory and memfds: who gets one when a page comes into the cache.

Kernel source: mm/shmem.c, shmem_allowable_huge_orders(), shmem_suitable_orders(),
shmem_get_unmapped_area() (Linux 6.18). The setting is transparent_hugepage/shmem_enabled; it is that
of memfds too, for they lie on the same mount. Simplified: "deny" and "force", other sizes than 2 MiB,
and mounts with `huge=` are left out; a huge page is always available. Linux 6.14 to 6.17, of which
ptlab has no profile, chose by the size of a write.
"""

from __future__ import annotations

from ptlab.base.errors import NotModelled
from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE, PMD_SIZE, PTRS_PER_TABLE
from ptlab.paths.unmapped_area import highest_gap
from ptlab.state.machine import Machine
from ptlab.state.mm import Mm
from ptlab.state.page_cache import File
from ptlab.state.vma import VM, Vma


def shmem_allowable_huge_orders(
    machine: Machine, file: File, vma: Vma | None, page: int, end: int = 0
) -> bool:
    """Whether the setting wants a huge page for `page` of the file.

    `vma` is the one that faults; without one a write or fallocate() makes the file reach to byte `end`.
    """
    mode, flags = machine.shmem_thp, vma.flags if vma else 0
    if file.kind not in ("memfd", "shm") or flags & VM.NOHUGEPAGE:
        return False
    if mode == "within_size" and (page | PTRS_PER_TABLE - 1) < max(file.pages, pages_of(end)):
        return True
    return mode == "always" or (mode != "never" and bool(flags & VM.HUGEPAGE))


def pages_of(length: int) -> int:
    """How many pages so many bytes take."""
    return -(-length >> PAGE_SHIFT)


def shmem_suitable_orders(machine: Machine, file: File, vma: Vma, address: int) -> bool:
    """The 2 MiB around a fault are all empty in the page cache, and since 6.11 all in the VMA."""
    page, base = vma.page(address), address & -PMD_SIZE
    first = page & -PTRS_PER_TABLE
    inside = vma.start <= base and base + PMD_SIZE <= vma.end
    alike = page & PTRS_PER_TABLE - 1 == address >> PAGE_SHIFT & PTRS_PER_TABLE - 1
    fits = (inside and alike) or not machine.profile.shmem_fits_vma
    return fits and not file.cache[first : first + PTRS_PER_TABLE].any()


_SMALLER = "a large folio of another size than 2 MiB, which Linux 6.18 takes where 2 MiB do not fit"


def allocated_huge(machine: Machine, file: File, offset: int, length: int) -> list[int]:
    """The first pages of the huge pages that fallocate() brings for a part of a file."""
    if machine.shmem_thp not in ("always", "within_size"):
        return []
    huge, end = [], offset + length
    for block in range(offset >> PAGE_SHIFT & -PTRS_PER_TABLE, pages_of(end), PTRS_PER_TABLE):
        inside = slice(max(block, offset >> PAGE_SHIFT), min(block + PTRS_PER_TABLE, pages_of(end)))
        empty = not file.cache[block : block + PTRS_PER_TABLE].any()
        if empty and shmem_allowable_huge_orders(machine, file, None, block, end):
            huge.append(block)
        elif not file.cache[inside].all():
            raise NotModelled(_SMALLER)
    return huge


def written_huge(machine: Machine, size: int) -> int:
    """How many pages of a new memfd of `size` bytes come as huge ones when all of it is written."""
    if machine.shmem_thp == "within_size" and size % PMD_SIZE:
        raise NotModelled(_SMALLER)
    whole = machine.shmem_thp in ("always", "within_size")
    return whole * -(-size // PMD_SIZE) * PTRS_PER_TABLE


def shmem_alloc_and_add_folio(machine: Machine, vma: Vma, address: int) -> None:
    """A fault brings a huge page into the cache, if that is wanted and can be."""
    file = vma.file
    assert file is not None
    wanted = shmem_allowable_huge_orders(machine, file, vma, vma.page(address))
    if wanted and shmem_suitable_orders(machine, file, vma, address):
        file.bring_huge(vma.page(address) & -PTRS_PER_TABLE)


def may_get_huge(mm: Mm, vma: Vma, address: int) -> bool:
    """A fault at `address` may bring a huge page into the page cache."""
    if mm.machine.shmem_thp == "never" or vma.file is None:
        return False
    return shmem_allowable_huge_orders(mm.machine, vma.file, vma, vma.page(address))


def shmem_get_unmapped_area(mm: Mm, start: int, length: int, offset: int) -> int:
    """The place found for a mapping of a file's `offset`, or a better one: where huge pages fit."""
    wanted = offset % PMD_SIZE
    few = length < PMD_SIZE or (wanted and wanted + length < 2 * PMD_SIZE)
    if mm.machine.shmem_thp == "never" or few or start % PMD_SIZE == wanted:
        return start
    inflated = highest_gap(mm.layout.mmap_base, mm.vmas, length + PMD_SIZE - PAGE_SIZE)
    if inflated < PAGE_SIZE:
        return start
    return inflated + (wanted - inflated) % PMD_SIZE
