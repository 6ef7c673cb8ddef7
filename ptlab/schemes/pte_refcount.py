"""pte_refcount: a reference count for each PTE page, the v3 series of November 2021.

Source: Qi Zheng, "[PATCH v3 00/15] Free user PTE page table pages", Message-Id
<20211110105428.32458-1-zhengqi.arch@bytedance.com>: include/linux/pte_ref.h and mm/pte_ref.c of
patches 6, 13 and 15, and Documentation/vm/pte_ref.rst of patch 14. Never merged.

A PTE page is referenced by every non-none entry and by every visitor for as long as it looks. It is
freed as soon as the count is 0.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from ptlab.base.facts import Counting, Dying, Holder, References
from ptlab.base.geometry import PTRS_PER_TABLE
from ptlab.base.made_often import references_of
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Slots, Tables, every, of_each, pick, table_count, total
from ptlab.state.memmap import State
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather
from ptlab.state.scheme import ReclaimScheme

_LIVE = int(State.LIVE)


class TryGet(IntEnum):
    """enum pte_tryget_type, spelling included. Success is 0."""

    TRYGET_SUCCESSED = 0
    TRYGET_FAILED_ZERO = 1
    TRYGET_FAILED_NONE = 2
    TRYGET_FAILED_HUGE_PMD = 3


_INSTALLED = References(Holder.INSTALLER, 0, 1, Counting.PLAIN)
_FOLLOWS = References(Holder.VISITOR, 1, 2)


class PteRefcount(ReclaimScheme):
    """Every entry and every visitor holds a reference; the last put frees the page."""

    name = "pte_refcount"
    fate = "History: posted in November 2021 (v3), never merged."
    source = "Message-Id <20211110105428.32458-1-zhengqi.arch@bytedance.com>"
    kernel = "6.1"
    counts_references = True
    stays_empty = "count"

    # -- the points of ReclaimScheme --

    def table_installed(self, mm: Mm, pmd: int, tables: Tables) -> Path[None]:
        """pte_ref_init(pte, pmd, 1): the installer is the first visitor."""
        mem, store = mm.machine.mem, mm.machine.store
        store.put(mem, "refcount", tables, 1)
        store.put(mem, "visitors", tables, 1)
        n = table_count(tables)
        yield Step(Kind.GET, "pte_ref_init", tables, n, n, _INSTALLED)

    def table_withdrawn(self, mm: Mm, table: int) -> None:
        """pte_ref_init(pte, pmd, HPAGE_PMD_NR): a split fills all 512 entries."""
        mm.machine.store.put(mm.machine.mem, "refcount", table, PTRS_PER_TABLE)
        mm.machine.store.put(mm.machine.mem, "visitors", table, 0)

    def may_be_taken(self, mm: Mm, table: int) -> bool:
        """Only if its entries hold all references, as page_ref_freeze() of their number would tell.

        Since 6.5 a collapse keeps no walker out of a file's mapping. The series is older. At 0 the
        last visitor is about to free the page.
        """
        mem = mm.machine.mem
        return 0 < mem.refcount.item(table) == mem.nonnone.item(table)

    def table_emptied(self, mm: Mm, table: int) -> None:
        """The page leaves the tree. When it is used again it gets a fresh count."""
        mm.machine.store.put(mm.machine.mem, "refcount", table, 0)

    def visitor_arrives(self, mm: Mm, pmd: int, slots: Slots, times: int = 1) -> Path[int | None]:
        """A walker needs its own reference before it may look."""
        return self.pte_try_get(mm, pmd, slots, times)

    def visitors_follow(self, mm: Mm, tables: Tables, times: int) -> Path[None]:
        """Each of them does its own pte_try_get(); their puts are in the first one's step."""
        yield Step(Kind.GET, "pte_try_get", tables, table_count(tables), times, _FOLLOWS)

    def visitor_leaves(
        self, mm: Mm, tables: Tables, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        """pte_put(); __pte_put(tlb, ...) in a zap."""
        mm.machine.store.add(mm.machine.mem, "visitors", tables, -1)
        return self._put(mm, tables, 1, max(times, table_count(tables)), tlb, Holder.VISITOR)

    def entries_changed(self, mm: Mm, tables: Tables, delta: Any, zero: Any = 0) -> None:
        """Between an entry's change and its get or put the count is off by `owed`."""
        mm.machine.store.add(mm.machine.mem, "owed", tables, -delta)

    def entries_mapped(self, mm: Mm, tables: Tables, n: Any, times: int = 1) -> Path[None]:
        """pte_get() or pte_get_many(): an atomic add, without a test for 0: the caller is a visitor."""
        mem, store = mm.machine.mem, mm.machine.store
        after = store.add(mem, "refcount", tables, n)
        store.add(mem, "owed", tables, n)
        entries = total(tables, n)
        fn = "pte_get" if times >= entries else "pte_get_many"
        times = max(times, table_count(tables))
        fact = references_of(Holder.ENTRY, after - n, after, Counting.ATOMIC, False)
        yield Step(Kind.GET, fn, tables, entries, times, fact)

    def entries_unmapped(
        self, mm: Mm, tables: Tables, n: Any, tlb: MmuGather | None = None
    ) -> Path[None]:
        """pte_put_many(), after the PTE lock was dropped: a put may need the PMD lock."""
        mm.machine.store.add(mm.machine.mem, "owed", tables, -n)
        puts = total(tables, n != 0)
        return self._put(mm, tables, n, puts, tlb, Holder.ENTRY)

    def check(self, mm: Mm) -> list[str]:
        """references = non-none entries + visitors (+ what is owed in the middle of a change)."""
        mem = mm.machine.mem
        rows = slice(len(mem))
        want = mem.nonnone[rows] + mem.visitors[rows] + mem.owed[rows]
        own = (mem.level[rows] == 0) & (mem.mm[rows] == mm.id) & (mem.state[rows] == _LIVE)
        wrong = np.flatnonzero(own & (mem.refcount[rows] != want))
        return [
            f"PTE page {t}: {mem.refcount[t]} references, but {mem.nonnone[t]} entries, "
            f"{mem.visitors[t]} visitors and {mem.owed[t]} still to be put"
            for t in wrong
        ]

    # -- the functions of pte_ref.h and pte_ref.c --

    def pte_try_get(self, mm: Mm, pmd: int, slots: Slots, times: int = 1) -> Path[TryGet]:
        """Under rcu_read_lock(): read the PMD entry, then increment unless zero."""
        mem, store = mm.machine.mem, mm.machine.store
        tables = mem.at(pmd, slots)
        if not every(tables):
            return TryGet.TRYGET_FAILED_NONE
        if mm.is_huge(pmd, slots):
            return TryGet.TRYGET_FAILED_HUGE_PMD
        if mm.machine.others.several:  # another CPU may act between the two reads
            task = mm.machine.task
            mm.machine.others.rcu_read_lock(task)
            yield Step(Kind.LOOK, "pte_try_get", tables)
            mm.machine.others.rcu_read_unlock(task)
        before = of_each(mem.refcount, tables)
        if not every(before):
            failed = TryGet.TRYGET_FAILED_ZERO
            yield Step(Kind.FAIL, "pte_try_get", tables, 0, times, Dying(failed))
            return failed
        store.add(mem, "refcount", tables, 1)
        store.add(mem, "visitors", tables, 1)
        n = table_count(tables)
        fact = references_of(Holder.VISITOR, before, before + 1, Counting.ATOMIC, False)
        yield Step(Kind.GET, "pte_try_get", tables, n, max(times, n), fact)
        return TryGet.TRYGET_SUCCESSED

    def _put(
        self, mm: Mm, tables: Tables, n: Any, times: int, tlb: MmuGather | None, who: str
    ) -> Path[None]:
        """pte_put(), pte_put_many(): subtract; the put that reaches zero frees the page."""
        after = mm.machine.store.add(mm.machine.mem, "refcount", tables, -n)
        fn = "pte_put" if every(n == 1) else "pte_put_many"
        unused = pick(tables, after == 0)
        last = unused is not None and table_count(unused) == table_count(tables)
        fact = references_of(who, after + n, after, Counting.ATOMIC, last)
        yield Step(Kind.PUT, fn, tables, total(tables, n), times, fact)
        if unused is not None:
            yield from self.free_user_pte_table(mm, unused, tlb)

    def free_user_pte_table(self, mm: Mm, tables: Tables, tlb: MmuGather | None) -> Path[None]:
        """Unhook PTE pages that nobody uses, flush the TLB, hand them to RCU (or to mmu_gather)."""
        machine, n = mm.machine, table_count(tables)
        yield from machine.lock("pmd_lock", "pmd_lock", machine.mem.parent_of(tables), "spin", n)
        yield mm.unhook_pte(tables, "free_user_pte_table")
        if tlb is None:
            yield from machine.flush("flush_tlb_range", tables, 0, n)
        else:
            tlb.free_tables(tables)
        yield machine.unlock("spin_unlock", "pmd_lock", n)
        if tlb is None:
            yield machine.call_rcu(tables)
