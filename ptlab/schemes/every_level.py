"""every_level: the references of pte_refcount, on PMD and PUD pages too.

Source: the seed of the thread. Qi Zheng, 10 November 2021, Message-Id 32a2432f... (its first eight
digits): PTE pages only for now, because they are most of the memory; the count could be used at the
other levels as well. Nobody wrote that. Here it is, with the same rules: an upper table is referenced
by each of its entries that is not none and by each visitor while it is below.

The entries' part of an upper table's count is the number of its entries, so only visitors are kept.
Simplified: reading the entry above and pmd_try_get() are one step; a kernel would need RCU for that.
"""

from __future__ import annotations

from ptlab.base.facts import Counting, Dying, Holder, References
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Tables, table_count
from ptlab.schemes.empty_tables import unhook_upper, upper_pages
from ptlab.schemes.pte_refcount import PteRefcount, TryGet
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather

_PUD = int(Level.PUD)
_NAMES = tuple(level.name.lower() for level in Level)
_GET, _PUT = Kind.GET, Kind.PUT
_VERBS = {
    (_GET, Holder.VISITOR): "try_get",
    (_GET, Holder.ENTRY): "get",
    (_PUT, Holder.VISITOR): "put",
    (_PUT, Holder.ENTRY): "put",
}
_FUNCTIONS = {what: [f"{name}_{verb}" for name in _NAMES] for what, verb in _VERBS.items()}
"""The functions that get and put, by the kind of reference and the level of the table."""


class EveryLevel(PteRefcount):
    """A walk holds a reference at each level it passes; the last put frees, at every level."""

    name = "every_level"
    fate = "Mentioned in the thread of November 2021, never written."
    source = "Qi Zheng, 10 November 2021, Message-Id begins 32a2432f; rules of pte_refcount"
    kernel = "6.1"

    def walk_begins(self, mm: Mm, start: int, end: int, times: int = 1) -> Path[list[int]]:
        """A reference on every PUD and PMD page of the range that exists.

        One that is dying is looked at again until it is out of the tree. With other tasks around
        the tree may change at each step, so after each get it is read anew.
        """
        walk: list[int] = []
        while pages := _unvisited(mm, start, end, walk):
            for table in pages[:1] if mm.machine.others.several else pages:
                yield from self.upper_met(mm, table, walk, times)
            if not mm.machine.others.several:
                break
        return walk

    def upper_met(self, mm: Mm, table: int, walk: list[int], times: int = 1) -> Path[bool]:
        """pmd_try_get(): a reference on a table that the walk has none on. True: it is dying."""
        if table in walk:
            return False
        if not _references(mm, table):
            fact = Dying(TryGet.TRYGET_FAILED_ZERO)
            yield Step(Kind.FAIL, f"{_level(mm, table)}_try_get", table, 0, times, fact)
            return True
        yield self._visit(mm, table, 1, times)
        walk.append(table)
        return False

    def upper_installed(self, mm: Mm, table: int, walk: list[int], times: int = 1) -> Path[None]:
        """The installer is the first visitor, and the entry is a reference to the parent."""
        above = mm.machine.mem.parent.item(table)
        if mm.machine.mem.level.item(above) <= _PUD:
            yield _reference_step(mm, _GET, above, Holder.ENTRY, 1, 1)
        walk.append(table)
        mm.machine.store.put(mm.machine.mem, "visitors", table, 1)
        fact = References(Holder.INSTALLER, 0, 1, Counting.PLAIN)
        yield Step(Kind.GET, "pte_ref_init", table, 1, 1, fact)
        if times > 1:
            yield _reference_step(mm, _GET, table, Holder.VISITOR, 1, times - 1)

    def walk_ends(
        self, mm: Mm, walk: list[int], times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        """Drop the references, PMD pages before their PUD page. The last put of a page frees it."""
        for table in sorted(walk, key=mm.machine.mem.level.item):
            put = self._visit(mm, table, -1, times)
            unused = not _references(mm, table)
            yield put
            if unused:
                yield from self._free_upper(mm, table, tlb)

    def table_installed(self, mm: Mm, pmd: int, tables: Tables) -> Path[None]:
        """The entry that points to a PTE page is a reference to the PMD page."""
        yield from super().table_installed(mm, pmd, tables)
        n = table_count(tables)
        before = _references(mm, pmd)
        fact = References(Holder.ENTRY, before, before + n)
        yield Step(Kind.GET, "pmd_get", pmd, n, n, fact)

    def free_user_pte_table(self, mm: Mm, tables: Tables, tlb: MmuGather | None) -> Path[None]:
        """As for PTE pages alone; then the PMD page loses a reference for each of them."""
        pmd = mm.machine.mem.parent_of(tables)
        yield from super().free_user_pte_table(mm, tables, tlb)
        yield _reference_step(mm, _PUT, pmd, Holder.ENTRY, table_count(tables), table_count(tables))

    def check(self, mm: Mm) -> list[str]:
        """The PTE pages' counts add up, and with no operation under way no PMD or PUD page is empty."""
        broken = super().check(mm)
        if any(mm.machine.held):
            return broken
        mem = mm.machine.mem
        live = mem.live()
        upper = (mem.level[live] == Level.PMD) | (mem.level[live] == Level.PUD)
        for table in live[upper & (mem.mm[live] == mm.id)].tolist():
            if mem.visitors[table] or not mem.nonnone[table]:
                name = Level(int(mem.level[table])).name
                broken.append(
                    f"{name} page {table} has {mem.nonnone[table]} entries and "
                    f"{mem.visitors[table]} visitors, while no operation is under way"
                )
        return broken

    def _visit(self, mm: Mm, table: int, delta: int, times: int) -> Step:
        mm.machine.store.add(mm.machine.mem, "visitors", table, delta)
        return _reference_step(mm, _GET if delta > 0 else _PUT, table, Holder.VISITOR, 1, times)

    def _free_upper(self, mm: Mm, table: int, tlb: MmuGather | None) -> Path[None]:
        """Unhook a PMD or PUD page and give it to RCU; its parent loses a reference."""
        machine, above = mm.machine, mm.machine.mem.parent.item(table)
        fn = f"free_user_{_level(mm, table)}_table"
        yield from machine.lock("pud_lock", "page_table_lock", mm.id, "spin")
        yield unhook_upper(mm, table, fn)
        if tlb is None:
            yield from machine.flush("flush_tlb_range", table, 0)
        else:
            tlb.free_tables(table)
        yield machine.unlock("spin_unlock", "page_table_lock")
        if tlb is None:
            yield machine.call_rcu(table)
        if machine.mem.level.item(above) <= _PUD:
            yield _reference_step(mm, _PUT, above, Holder.ENTRY, 1, 1)


def _unvisited(mm: Mm, start: int, end: int, walk: list[int]) -> list[int]:
    """The PUD and PMD pages of the range that the walk has no reference on yet."""
    known = set(walk)
    return [table for table in upper_pages(mm, start, end) if table not in known]


def _references(mm: Mm, table: int) -> int:
    """The count of an upper table: its entries and its visitors."""
    mem = mm.machine.mem
    return mem.entries.nonnone.item(table) + mem.visitors.item(table)


def _level(mm: Mm, table: int) -> str:
    return _NAMES[mm.machine.mem.level.item(table)]


def _reference_step(mm: Mm, kind: str, table: int, who: str, n: int, times: int) -> Step:
    """A get or put at an upper level; the sum is its entries and its visitors."""
    after = _references(mm, table)
    before = after - n if kind == _GET else after + n
    fn = _FUNCTIONS[kind, who][mm.machine.mem.level.item(table)]
    last = kind == _PUT and not after
    return Step(kind, fn, table, n, times, References(who, before, after, last=last))
