"""percpu_ref: pte_refcount's references, kept on each CPU until MADV_DONTNEED asks for the sum.

Source: Qi Zheng, "[RFC PATCH 00/18] Try to free user PTE page table pages", 29 April 2022,
<20220429133552.33768-1-zhengqi.arch@bytedance.com>; its patches 13 (try_to_free_user_pte), 14
(MADV_DONTNEED) and 15 (MADV_FREE).

In percpu mode a get or a put is one plain add to this CPU's own counter: cheap, but no CPU knows
the sum, so nothing is freed. After a zap the count is switched to atomic mode, which waits for a
grace period; at 0 the page is freed, else the count is switched back. The author's own reply, a day
after: switching back costs far too much.

Simplified: the kernel frees what a MADV_FREE left to reclaim when reclaim drops the last page;
there is no reclaim here, so such a page waits, in atomic mode, for the next MADV_DONTNEED. The
shares of the CPUs are kept as one sum, and the wait for a grace period is one step.

With several tasks this design breaks, and `ptlab races --scheme percpu_ref` shows how. Two tasks can
see the count of one page at 0: the one that asked for the sum, and any walker whose pte_tryget()
fails, for that frees too. free_user_pte() looks under the PMD lock whether *a* page is there, not
whether it is the one that has died. By then a page fault may have put a new page in its place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlab.base.facts import Counting, CountMode, Dying, Holder, References
from ptlab.base.made_often import references_of
from ptlab.base.steps import Kind, Path, Step
from ptlab.base.tables import Slots, Tables, every, is_run, of_each, pick, table_count
from ptlab.schemes.pte_refcount import PteRefcount, TryGet
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather


class PercpuRef(PteRefcount):
    """Every entry and every visitor holds a reference; only madvise looks whether any is left.

    As it was posted it breaks when tasks race: two of them can find the same page dead, and the
    second one unhooks the page that a page fault has put in its place meanwhile.
    """

    name = "percpu_ref"
    fate = "An RFC of April 2022, never merged."
    source = "<20220429133552.33768-1-zhengqi.arch@bytedance.com>"
    kernel = "6.1"
    written_atomically = frozenset({"atomic"})

    def __init__(self) -> None:
        self.atomic: NDArray[np.bool_] = np.zeros(64, np.bool_)
        """Whether a table's count is in atomic mode, by pfn."""

    def table_installed(self, mm: Mm, pmd: int, tables: Tables) -> Path[None]:
        """percpu_ref_init(): percpu mode, and one reference, the installer's."""
        have, rows = len(self.atomic), len(mm.machine.mem.level)
        if have < rows:
            self.atomic = np.concatenate([self.atomic, np.zeros(rows - have, np.bool_)])
        return super().table_installed(mm, pmd, tables)

    def table_withdrawn(self, mm: Mm, table: int) -> None:
        """A table that waited in reserve starts in percpu mode too."""
        rows = len(mm.machine.mem.level)
        if len(self.atomic) < rows:
            self.atomic = np.concatenate([self.atomic, np.zeros(rows, np.bool_)])
        mm.machine.store.put(self, "atomic", table, False)
        super().table_withdrawn(mm, table)

    def visitor_arrives(self, mm: Mm, pmd: int, slots: Slots, times: int = 1) -> Path[int | None]:
        """pte_tryget(): a walker that finds a dead page takes it out of the tree."""
        machine, mem = mm.machine, mm.machine.mem
        tables = mem.at(pmd, slots)
        if not every(tables):
            return TryGet.TRYGET_FAILED_NONE
        if machine.others.several:  # another CPU may act between the two reads
            machine.others.rcu_read_lock(machine.task)
            yield Step(Kind.LOOK, "pte_tryget", tables)
            machine.others.rcu_read_unlock(machine.task)
            if self._atomic(mm, tables) and not mem.refcount[tables]:
                failed = TryGet.TRYGET_FAILED_ZERO
                yield Step(Kind.FAIL, "pte_tryget", tables, 0, times, Dying(failed))
                yield from self.free_user_pte(mm, pmd, slots)
                return failed
        machine.store.add(mem, "visitors", tables, 1)
        yield from self._count(mm, tables, 1, max(times, table_count(tables)), Holder.VISITOR)
        return TryGet.TRYGET_SUCCESSED

    def visitors_follow(self, mm: Mm, tables: Tables, times: int) -> Path[None]:
        """Each of them does its own pte_tryget(); their puts are in the first one's step."""
        fact = References(Holder.VISITOR, 1, 2, Counting.PERCPU)
        yield Step(Kind.GET, "this_cpu_add", tables, table_count(tables), times, fact)

    def visitor_leaves(
        self, mm: Mm, tables: Tables, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        """pte_put()."""
        mm.machine.store.add(mm.machine.mem, "visitors", tables, -1)
        return self._count(mm, tables, -1, max(times, table_count(tables)), Holder.VISITOR)

    def entries_mapped(self, mm: Mm, tables: Tables, n: Any, times: int = 1) -> Path[None]:
        """track_pte_set(): the setter of an entry takes one reference for it."""
        mm.machine.store.add(mm.machine.mem, "owed", tables, n)
        return self._count(mm, tables, n, 0, Holder.ENTRY)

    def entries_unmapped(
        self, mm: Mm, tables: Tables, n: Any, tlb: MmuGather | None = None
    ) -> Path[None]:
        """track_pte_clear(): clearing an entry puts one reference; no batches."""
        mm.machine.store.add(mm.machine.mem, "owed", tables, -n)
        return self._count(mm, tables, -n, 0, Holder.ENTRY)

    def zapped(self, mm: Mm, tables: Tables, walk: Any, why: str, tlb: MmuGather) -> Path[None]:
        """zap_page_range_single(): every zap but munmap's and the OOM reaper's tries to free."""
        if why != "unmap":
            yield from self.try_to_free_user_pte(mm, tables, True)

    def lazyfreed(self, mm: Mm, tables: Tables, marked: Any) -> Path[None]:
        """madvise_free_pte_range(): stay in atomic mode where pages were marked."""
        for some, switch_back in ((marked > 0, False), (marked == 0, True)):
            part = pick(tables, some)
            if part is not None:
                yield from self.try_to_free_user_pte(mm, part, switch_back)

    def try_to_free_user_pte(self, mm: Mm, tables: Tables, switch_back: bool) -> Path[None]:
        """Switch to atomic mode, look at the sum, free at 0."""
        mem, others, task = mm.machine.mem, mm.machine.others, mm.machine.task
        pmd, slots = mem.parent_of(tables), mem.slots_of(tables)
        if (yield from self.visitor_arrives(mm, pmd, slots)):
            return
        tables = mem.at(pmd, slots)
        percpu = pick(tables, self._atomic(mm, tables) == 0)
        if percpu is not None:
            yield self._switch(mm, percpu, True, "percpu_ref_switch_to_atomic_sync")
        others.rcu_read_lock(task)
        yield from self.visitor_leaves(mm, tables)
        count = of_each(mem.refcount, tables)
        unused, used = pick(tables, count == 0), pick(tables, count != 0)
        others.rcu_read_unlock(task)
        if unused is not None:
            yield from self.free_user_pte(mm, pmd, mem.slots_of(unused))
        if (
            used is not None
            and switch_back
            and not (yield from self.visitor_arrives(mm, pmd, mem.slots_of(used)))
        ):
            yield self._switch(mm, used, False, "percpu_ref_switch_to_percpu")
            yield from self.visitor_leaves(mm, used)

    def free_user_pte(self, mm: Mm, pmd: int, slots: Slots) -> Path[None]:
        """Unhook what is there, flush under the PMD lock, free by RCU."""
        machine = mm.machine
        n = table_count(slots)
        yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin", n)
        tables = machine.mem.at(pmd, slots)
        if not every(tables):
            yield machine.unlock("spin_unlock", "pmd_lock", n)
            return
        yield mm.unhook_pte(tables, "free_user_pte")
        yield from machine.flush("flush_tlb_range", tables, 0, n)
        yield machine.unlock("spin_unlock", "pmd_lock", n)
        yield machine.call_rcu(tables)

    def _atomic(self, mm: Mm, tables: Tables) -> Any:
        """The mode of each table."""
        return of_each(self.atomic, tables)

    def _switch(self, mm: Mm, tables: Tables, atomic: bool, fn: str) -> Step:
        mm.machine.store.put(self, "atomic", tables, atomic)
        how = Counting.ATOMIC if atomic else Counting.PERCPU
        return Step(Kind.SWITCH, fn, tables, 0, table_count(tables), CountMode(how))

    def _count(self, mm: Mm, tables: Tables, delta: Any, times: int, who: str) -> Path[None]:
        """Add to the counts: on this CPU, or atomically for those in atomic mode.

        A run in which both occur takes two steps. times 0: once for each reference.
        """
        after = mm.machine.store.add(mm.machine.mem, "refcount", tables, delta)
        if not is_run(tables):
            mode = of_each(self.atomic, tables)
            often = times or abs(int(delta))
            fact = references_of(who, after - delta, after, _HOW[mode], False)
            yield Step(*_kind_and_function(delta, mode), tables, often, often, fact)
            return
        each = np.broadcast_to(delta, len(tables))
        for mode in (False, True):
            mask = self.atomic[tables] == mode
            part = pick(tables, mask)
            if part is not None:
                now, step = after[mask], each[mask]
                n = int(np.abs(step).sum())
                often = times * len(step) // len(each) if times else n
                fact = references_of(who, now - step, now, _HOW[mode], False)
                yield Step(*_kind_and_function(delta, mode), part, n, often, fact)


_HOW = (Counting.PERCPU, Counting.ATOMIC)
"""How a count is kept, by whether it is in atomic mode."""


def _kind_and_function(delta: Any, atomic: bool) -> tuple[str, str]:
    """What include/linux/percpu-refcount.h does, in its own words."""
    if every(delta > 0):
        return Kind.GET, "atomic_long_add" if atomic else "this_cpu_add"
    return Kind.PUT, "atomic_long_sub_and_test" if atomic else "this_cpu_sub"
