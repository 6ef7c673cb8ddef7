"""Sentences about page-table pages: built, moved, unhooked, freed."""

from __future__ import annotations

from ptlab.base.facts import Freed, Moved, Sharing, Unhooked
from ptlab.base.geometry import Level
from ptlab.base.steps import Step
from ptlab.base.tables import Tables, first_of, is_run, table_count
from ptlab.draw.names import plural, table_name, tables_of
from ptlab.state.memmap import MemMap


def look(mem: MemMap, step: Step, fact: None) -> str:
    """A walker has read the entry above."""
    name = table_name(mem, tables_of(step))
    upper = Level(int(mem.level[tables_of(step)]) + 1).name
    return f"the {upper} entry points to {name}, which the task has not locked yet."


def alloc(mem: MemMap, step: Step, fact: None) -> str:
    """New pages."""
    return f"{_tables_are(mem, step)} allocated and zeroed, but not in the tree yet."


def install(mem: MemMap, step: Step, fact: None) -> str:
    """Pages enter the tree."""
    place, grows = _place(mem, tables_of(step)), _vmpte(mem, tables_of(step), "grows")
    return f"{_tables_are(mem, step)} hooked into {place}; {grows}."


def unhook(mem: MemMap, step: Step, fact: Unhooked) -> str:
    """Pages leave the tree."""
    place = _place(mem, tables_of(step))
    falls = _vmpte(mem, tables_of(step), "falls") if fact.counted else "VmPTE still counts it"
    return f"{_tables_are(mem, step)} unhooked from {place}; {falls}."


def uncount(mem: MemMap, step: Step, fact: None) -> str:
    """VmPTE falls some steps after the unhooking."""
    falls = _vmpte(mem, tables_of(step), "falls")
    return f"{_tables_are(mem, step)} kept until the TLB is flushed; {falls}."


def flush(mem: MemMap, step: Step, fact: None) -> str:
    """Translations are forgotten."""
    pages = f"; {plural(step.n, 'page')} may be freed after that" if step.n else ""
    return f"the TLB forgets the old translations{pages}."


def visible(mem: MemMap, step: Step, fact: None) -> str:
    """Stores that were made before are seen by other CPUs now."""
    pages = plural(step.n, "new page")
    return (
        f"the other CPUs see only now what this one has put into {pages}: no barrier came before."
    )


def rcu(mem: MemMap, step: Step, fact: None) -> str:
    """Pages wait for a grace period."""
    are = _tables_are(mem, step)
    return f"{are} handed to RCU: a walker without locks may still look at the empty page."


def free(mem: MemMap, step: Step, fact: Freed) -> str:
    """Pages go back to the allocator."""
    if fact.grace_period:
        return f"a grace period has passed: {_tables_are(mem, step)} free memory again."
    return f"{_tables_are(mem, step)} free memory again at once, without a grace period."


def deposit(mem: MemMap, step: Step, fact: None) -> str:
    """A page is kept for a huge page."""
    name = table_name(mem, tables_of(step))
    return f"{name} is deposited: a split of the huge page will need it; VmPTE grows by 4 kB."


def split(mem: MemMap, step: Step, fact: None) -> str:
    """That page takes the place of the huge page."""
    name = table_name(mem, tables_of(step))
    return f"{name} is withdrawn from its deposit, and maps the huge page's 512 pages one by one."


def move(mem: MemMap, step: Step, fact: Moved) -> str:
    """An entry goes elsewhere, with all that is below it."""
    what = "the huge page" if fact.huge else table_name(mem, tables_of(step))
    old, new = fact.old, fact.new
    return (
        f"{what} moves as it is, from {table_name(mem, old.table)}, slot {old.slot}, "
        f"to {table_name(mem, new.table)}, slot {new.slot}; no entry in it is touched."
    )


def share(mem: MemMap, step: Step, fact: Sharing) -> str:
    """One more address space uses a page, or one fewer."""
    name, parent = table_name(mem, tables_of(step)), table_name(mem, fact.place.table)
    where = f"{parent}, slot {fact.place.slot}"
    if fact.hooked:
        return (
            f"{name} of another mapping is hooked into {where}, too: {fact.users} entries point to it "
            "now; VmPTE grows by 4 kB."
        )
    left = plural(fact.users, "entry")
    return (
        f"{name} is unhooked from {where}, with all that it maps; {left} elsewhere still "
        f"{'points' if fact.users == 1 else 'point'} to it; VmPTE falls by 4 kB."
    )


def _tables_are(mem: MemMap, step: Step) -> str:
    tables = tables_of(step)
    return f"{table_name(mem, tables)} {'is' if table_count(tables) == 1 else 'are'}"


def _place(mem: MemMap, tables: Tables) -> str:
    first = first_of(tables)
    parent = table_name(mem, int(mem.parent[first]))
    if is_run(tables):
        return f"{parent}, slots {mem.slot[first]} to {mem.slot[tables[-1]]}"
    return f"{parent}, slot {mem.slot[first]}"


def _vmpte(mem: MemMap, tables: Tables, moves: str) -> str:
    if mem.level.item(first_of(tables)) == Level.P4D:
        return "VmPTE does not count P4D pages"
    return f"VmPTE {moves} by {4 * table_count(tables)} kB"
