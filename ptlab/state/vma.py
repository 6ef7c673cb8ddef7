"""Virtual memory areas: immutable records in a sorted list, and how Linux merges them.

Kernel source: mm/vma.c (6.12) and mm/mmap.c (6.1): can_vma_merge_before/after(),
is_mergeable_anon_vma(), find_mergeable_anon_vma() in mm/rmap.c's callers; VM_STICKY (6.19, and 6.18.44
does the same). Simplified: no memory policies, no userfaultfd contexts, no VMA names, no max_map_count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from ptlab.base.facts import Span
from ptlab.base.geometry import PAGE_SHIFT
from ptlab.state.blocks import Blocks
from ptlab.state.hugetlb import Hstate, ResvMap
from ptlab.state.page_cache import File


class VM:
    """The vm_flags that matter here; values as in include/linux/mm.h. (Plain ints: they are fast.)"""

    READ = 0x1
    WRITE = 0x2
    EXEC = 0x4
    SHARED = 0x8
    GROWSDOWN = 0x100
    MAYBE_GUARD = 0x800
    LOCKED = 0x2000
    SEQ_READ = 0x8000
    RAND_READ = 0x10000
    DONTCOPY = 0x20000
    DONTEXPAND = 0x40000
    LOCKONFAULT = 0x80000
    ACCOUNT = 0x100000
    NORESERVE = 0x200000
    HUGETLB = 0x400000
    WIPEONFORK = 0x2000000
    DONTDUMP = 0x4000000
    HUGEPAGE = 0x20000000
    NOHUGEPAGE = 0x40000000
    MERGEABLE = 0x80000000
    SEALED = 1 << 63


VM_ACCESS_FLAGS = VM.READ | VM.WRITE | VM.EXEC
"""A VMA with one of these is accessible (vma_is_accessible()): what may be written or executed can
be read too, for x86 has no rights without reading."""

VM_LOCKED_MASK = VM.LOCKED | VM.LOCKONFAULT
VM_STICKY = VM.MAYBE_GUARD
"""A VMA with this flag merges with one without it, and the result has the flag."""


def flag_names(flags: int) -> list[str]:
    """Names of the vm_flags set in `flags`: `['READ', 'WRITE']`."""
    return [name for name, bit in vars(VM).items() if name.isupper() and flags & bit]


def prot_name(flags: int) -> str:
    """'none', 'r', 'rw', 'rx' and so on, as in the scenario language."""
    rights = (("r", VM.READ), ("w", VM.WRITE), ("x", VM.EXEC))
    return "".join(letter for letter, flag in rights if flags & flag) or "none"


@dataclass(frozen=True, slots=True)
class Vma:
    """struct vm_area_struct: [start, end) in bytes, page aligned.

    pgoff     vm_pgoff in pages: offset in the file, or for anonymous memory the address it began at
    anon_vma  a number that stands for the struct anon_vma, None until the first write fault
    chain     links of its anon_vma_chain: 1 when it is singular, one more with each fork
    file      the mapped file, None for anonymous memory
    reserved  of private hugetlb memory: the pages that are promised to this mapping, None for a child's
    """

    start: int
    end: int
    flags: int
    pgoff: int
    anon_vma: int | None = None
    chain: int = 0
    file: File | None = None
    reserved: ResvMap | None = None

    @property
    def span(self) -> Span:
        """The addresses of the VMA, as a fact of a step."""
        return Span(self.start, self.end)

    @property
    def shared(self) -> bool:
        """MAP_SHARED: writes go to the file."""
        return bool(self.flags & VM.SHARED)

    def page(self, address: int) -> int:
        """Page offset in the file at `address`."""
        return self.pgoff + ((address - self.start) >> PAGE_SHIFT)

    @property
    def hugetlb(self) -> bool:
        """is_vm_hugetlb_page()"""
        return bool(self.flags & VM.HUGETLB)

    @property
    def hstate(self) -> Hstate:
        """hstate_vma(): the pool of a hugetlb mapping's pages."""
        assert self.file is not None and self.file.hstate is not None
        return self.file.hstate

    @property
    def prot(self) -> str:
        """The rights of its flags."""
        return prot_name(self.flags)

    def cut(self, start: int, end: int) -> Vma:
        """The part [start, end) of this VMA, as __split_vma() leaves it."""
        return replace(
            self, start=start, end=end, pgoff=self.pgoff + ((start - self.start) >> PAGE_SHIFT)
        )

    def __str__(self) -> str:
        return f"{self.start:#x}-{self.end:#x} {self.prot}"


Vmas: TypeAlias = Blocks[Vma]
"""The VMAs of an address space: vmas.above(address) is find_vma()."""


def overlapping(vmas: Vmas, start: int, end: int) -> tuple[Vma, ...]:
    """The VMAs that share an address with [start, end), in order."""
    if end <= start:
        return ()
    first, last = vmas.index_above(start), vmas.index_above(end - 1)
    if last < len(vmas) and vmas[last].start < end:
        last += 1
    return vmas[first:last]


def find_vma_intersection(vmas: Vmas, start: int, end: int) -> Vma | None:
    """The first of them, None where nothing is mapped."""
    vma = vmas.above(start)
    return vma if vma is not None and vma.start < end else None


def split_at(vmas: Vmas, address: int) -> Vmas:
    """Cut the VMA that contains `address` in two there (split_vma); no change at a border."""
    vma, index = vmas.above(address), vmas.index_above(address)
    if vma is None or vma.start >= address:
        return vmas
    halves = vma.cut(vma.start, address), vma.cut(address, vma.end)
    return vmas.spliced(index, index + 1, halves)


def _adjacent(left: Vma, right: Vma) -> bool:
    return (
        left.end == right.start
        and left.file is right.file
        and not left.flags & VM.DONTEXPAND  # one of VM_SPECIAL
        and right.pgoff == left.pgoff + ((left.end - left.start) >> PAGE_SHIFT)
    )


def _anon_compatible(neighbour: Vma, vma: Vma, merge_unfaulted: bool) -> bool:
    """is_mergeable_anon_vma(): the same anon_vma, or one has none and the other's chain is singular.

    Before 6.16 the kernel asked whether the *neighbour's* chain is singular even when it is the
    neighbour that has no anon_vma, so its chain is empty: such a merge was refused by mistake.
    """
    if neighbour.anon_vma == vma.anon_vma:
        return True
    if vma.anon_vma is None:
        return neighbour.chain == 1
    return neighbour.anon_vma is None and vma.chain == 1 and merge_unfaulted


def merge(vmas: Vmas, vma: Vma, merge_unfaulted: bool) -> tuple[Vmas, Vma]:
    """Put `vma` into `vmas`, where nothing overlaps it; merge it where Linux does.

    Returns the new list and the VMA that now covers the range. vma_merge_new_range() and
    vma_merge_existing_range() (6.12), vma_merge() before.
    """
    index = vmas.index_above(vma.start)
    prev = vmas[index - 1] if index else None
    after = vmas[index] if index < len(vmas) else None

    def joins(left: Vma, right: Vma, neighbour: Vma) -> bool:
        return (
            _adjacent(left, right)
            and not (left.flags ^ right.flags) & ~VM_STICKY
            and _anon_compatible(neighbour, vma, merge_unfaulted)
        )

    left = prev if prev and joins(prev, vma, prev) else None
    right = after if after and joins(vma, after, after) else None
    if (
        left
        and right
        and not (left.anon_vma == right.anon_vma or None in (left.anon_vma, right.anon_vma))
    ):
        right = None  # both may merge with the new one, but not with each other
    first, last = left or vma, right or vma
    faulted = next((v for v in (left, vma, right) if v and v.anon_vma is not None), vma)
    flags = first.flags | vma.flags | last.flags
    anon_vma, chain = faulted.anon_vma, faulted.chain
    whole = replace(first, end=last.end, flags=flags, anon_vma=anon_vma, chain=chain)
    low = index - 1 if left else index
    high = index + 1 if right else index
    return vmas.spliced(low, high, (whole,)), whole


def reusable_anon_vma(vmas: Vmas, vma: Vma) -> int | None:
    """find_mergeable_anon_vma(): that of a neighbour it may merge with later; the next one first."""
    index = vmas.index_above(vma.start)
    ignored = VM_ACCESS_FLAGS | VM_STICKY
    pairs = []
    if index + 1 < len(vmas):
        pairs.append((vma, vmas[index + 1], vmas[index + 1]))
    if index:
        pairs.append((vmas[index - 1], vma, vmas[index - 1]))
    for left, right, neighbour in pairs:
        if (
            neighbour.chain == 1
            and _adjacent(left, right)
            and left.flags & ~ignored == right.flags & ~ignored
        ):
            return neighbour.anon_vma
    return None
