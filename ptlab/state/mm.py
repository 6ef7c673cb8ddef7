"""struct mm_struct: the PGD, the VMAs and the counters of one address space."""

from __future__ import annotations

from collections.abc import Iterator

from ptlab.base.facts import UNHOOKED, Unhooked
from ptlab.base.geometry import PAGE_SHIFT, Level
from ptlab.base.pte import FIRST_FRAME, PFN_MASK, PSE, Census
from ptlab.base.steps import Kind, Step
from ptlab.base.tables import Slots, Tables, first_of, is_run, table_count
from ptlab.state.blocks import Blocks
from ptlab.state.machine import Machine
from ptlab.state.memmap import State
from ptlab.state.mm_layout import Layout
from ptlab.state.vma import Vma, Vmas, find_vma_intersection


class Count:
    """Columns of `Mm.counters`. Tables by level, pages by kind, and events. (Plain ints, as VM.)

    HUGETLB       hugetlb_usage: pages that this mm has mapped less those that it has unmapped
    HUGETLB_SEEN  pages that its tables map: more, or fewer, where it shares PMD pages
    PTE_LEAVING   of PTE, those that are unhooked already
    """

    PTE = 0
    PMD = 1
    PUD = 2
    P4D = 3
    ANON = 4
    ZERO = 5
    FILE = 6
    SWAP = 7
    HUGE = 8
    HUGE_ZERO = 9
    MINFLT = 10
    MAJFLT = 11
    HUGETLB = 12
    HUGETLB_SEEN = 13
    PTE_LEAVING = 14


COUNTED: dict[int, int] = {Level.PTE: Count.PTE, Level.PMD: Count.PMD, Level.PUD: Count.PUD}
"""Where the tables of a level are counted."""

_PTE, _PMD, _PUD = Count.PTE, Count.PMD, Count.PUD  # read after nearly every step
_HUGE, _HUGETLB = Count.HUGE, Count.HUGETLB_SEEN
_ANON, _ZERO, _FILE, _SWAP = Count.ANON, Count.ZERO, Count.FILE, Count.SWAP


class Mm:
    """An address space. Its paths are in ptlab.paths; this is the state they work on."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.id = machine.next_mm[0]
        machine.store.put(machine, "next_mm", 0, self.id + 1)
        self._vmas: list[Vmas] = [Blocks()]
        self._detached: list[tuple[Vma, ...]] = [()]
        self._users = [1]
        self.layout = Layout(machine.store)
        self.counters = [0] * (Count.PTE_LEAVING + 1)
        pgd = machine.mem.alloc(self.id, Level.PGD)
        machine.store.put(machine.mem, "state", pgd, int(State.LIVE))
        self.pgd = int(pgd)
        machine.store.put(machine, "_mms", 0, (*machine.mms, self))

    @property
    def vmas(self) -> Vmas:
        """The VMAs, sorted by address."""
        return self._vmas[0]

    @property
    def detached(self) -> tuple[Vma, ...]:
        """VMAs that munmap has taken out of `vmas`, but not yet out of their file's mappings."""
        return self._detached[0]

    def use(self, delta: int) -> int:
        """One task more, or one fewer, runs in this address space (mm_users). Returns how many do."""
        self.machine.store.put(self, "_users", 0, self._users[0] + delta)
        return self._users[0]

    def count_pages(self, census: Census, sign: int) -> None:
        """Add or take away entries of all kinds."""
        pages, zero, file, swap = census
        if pages:
            self.count(_ANON, sign * pages)
        if zero:
            self.count(_ZERO, sign * zero)
        if file:
            self.count(_FILE, sign * file)
        if swap:
            self.count(_SWAP, sign * swap)

    def count(self, which: int, delta: int) -> None:
        """Add `delta` to a counter: Store.add(), written out, for it is called most."""
        counters, log = self.counters, self.machine.store.log
        value = counters[which] + int(delta)
        if log is not None:
            log += (self, "counters", which, counters[which], value)
        counters[which] = value

    def find_vma(self, address: int) -> Vma:
        """The first VMA that ends above `address`; the caller knows that there is one."""
        vma = self.vmas.above(address)
        assert vma is not None
        return vma

    def parts(self, start: int, end: int) -> Iterator[tuple[Vma, int, int]]:
        """Each VMA's part of [start, end) up to the first hole. They may change meanwhile."""
        while start < end:
            vma = find_vma_intersection(self.vmas, start, start + 1)
            if vma is None:
                return
            stop = min(end, vma.end)
            yield vma, start, stop
            start = stop

    def set_vmas(self, vmas: Vmas) -> None:
        """Replace the VMA tree."""
        self.machine.store.put(self, "_vmas", 0, vmas)

    def replace_vma(self, vma: Vma) -> None:
        """Put `vma` in the place of the one with the same range."""
        index = self.vmas.index_above(vma.start)
        self.set_vmas(self.vmas.spliced(index, index + 1, (vma,)))

    def unhook_pte(
        self, tables: Tables, fn: str, collapsed: bool = False, counted: bool = True
    ) -> Step:
        """Clear the PMD entries of PTE pages; mm_dec_nr_ptes() counts in the same step.

        `collapsed`: a huge page has their pages, or will have them. Not `counted`: count_off() follows.
        """
        self.machine.mem.unhook(tables)
        if counted:
            self.count(Count.PTE, -table_count(tables))
        else:
            self.count(Count.PTE_LEAVING, table_count(tables))
        plain = counted and not collapsed
        return Step(
            Kind.UNHOOK, fn, tables, fact=UNHOOKED if plain else Unhooked(collapsed, counted)
        )

    def count_off(self, tables: Tables, fn: str) -> Step:
        """mm_dec_nr_ptes() for PTE pages that were unhooked before: VmPTE falls only now."""
        self.count(Count.PTE, -table_count(tables))
        self.count(Count.PTE_LEAVING, -table_count(tables))
        return Step(Kind.UNCOUNT, fn, tables)

    @property
    def vmpte_kb(self) -> int:
        """VmPTE of /proc/PID/status in kB: PTE, PMD and PUD pages; P4D and PGD are not counted."""
        c = self.counters
        return 4 * (c[_PTE] + c[_PMD] + c[_PUD])

    @property
    def has_huge(self) -> bool:
        """Whether a PMD or PUD entry maps a huge page itself, or another task may let one do so."""
        seen = self.counters
        return self.machine.others.several or bool(seen[_HUGE] or seen[_HUGETLB])

    def is_huge(self, pmd: int, slots: Slots) -> bool:
        """pmd_trans_huge(): whether the PMD entry maps a huge page itself. A run is of tables only."""
        seen = self.counters
        if not (self.machine.others.several or seen[_HUGE] or seen[_HUGETLB]) or is_run(slots):
            return False
        return bool(self.machine.mem.entries.word(pmd, first_of(slots)) & PSE)

    def lookup(self, address: int, level: Level) -> int:
        """pfn of the table at `level` that covers `address`; 0 for none, or a huge page. O(levels)."""
        machine, table = self.machine, self.pgd
        word = machine.mem.entries.word
        for shift in machine.geometry.above[level]:
            table = (word(table, address >> shift & 511) & PFN_MASK) >> PAGE_SHIFT
            if not table:
                break
            if table >= FIRST_FRAME:
                return 0
        return table


def base_address(mm: Mm, table: int) -> int:
    """First address that `table` maps, found by its parents' slots."""
    mem, base = mm.machine.mem, 0
    while table != mm.pgd:
        parent = int(mem.parent[table])
        base |= int(mem.slot[table]) << mm.machine.geometry.shift(Level(int(mem.level[parent])))
        table = parent
    return base
