"""Sentences about the entries of a table: set, cleared, changed, read."""

from __future__ import annotations

import numpy as np

from ptlab.base.facts import (
    Change,
    EntriesChanged,
    EntriesCleared,
    EntriesProtected,
    EntriesSet,
    Maps,
    Scan,
)
from ptlab.base.steps import Step
from ptlab.base.tables import Columns, spanned
from ptlab.draw.names import plural, table_name, tables_of
from ptlab.state.memmap import MemMap
from ptlab.state.vma import VM

_MAPS = {
    Maps.PAGE: ("a new page", "new pages"),
    Maps.ZERO: ("the shared zero page", "the shared zero page"),
    Maps.FILE: ("a page of the file", "pages of the file"),
    Maps.SHARED: ("a page that parent and child share", "pages that parent and child share"),
    Maps.HUGE: ("a huge page", "huge pages"),
    Maps.MARKER: ("a guard marker", "guard markers"),
    Maps.MOVED: ("a page that was moved here", "pages that were moved here"),
}
"""What one entry maps, and what several do."""

_CHANGES = {
    Change.WRITABLE: "becomes writable",
    Change.COPIED: "gets a page of its own",
    Change.SWAPPED_OUT: "becomes a swap entry: its page leaves memory, but the entry stays",
    Change.SWAPPED_IN: "maps its page again, read back from swap",
    Change.OLD: "is marked old: reclaim may take its page soon",
    Change.LAZYFREE: "is marked clean and old: its page may be dropped later, but the entry stays",
    Change.ZEROED: "maps the shared zero page now: its own page held only zeros",
}


def _rights(prot: int) -> str:
    if not prot:
        return "allows no access any more (PROT_NONE), but it stays"
    return "allows writes again" if prot & VM.WRITE else "becomes read-only"


def _entries(step: Step, columns: Columns) -> str:
    span = spanned(columns)
    if step.n == 1 and isinstance(step.tables, int) and span.stop - span.start == 1:
        return f"entry {span.start}"
    return plural(step.n, "entry")


def _is(n: int) -> str:
    return "is" if n == 1 else "are"


def set_(mem: MemMap, step: Step, fact: EntriesSet) -> str:
    """Entries map something now."""
    what = _MAPS[fact.maps][step.n > 1]
    entries = f"{_entries(step, fact.columns)} of {table_name(mem, tables_of(step))}"
    return f"{entries} now {'maps' if step.n == 1 else 'map'} {what}."


def clear(mem: MemMap, step: Step, fact: EntriesCleared) -> str:
    """Entries become none."""
    tables = tables_of(step)
    zeros = f" ({fact.zero} of them mapped the zero page)" if fact.zero and step.n > 1 else ""
    left = int(np.sum(mem.nonnone[tables]))
    rest = "no entry is left" if left == 0 else f"{left} {_is(left)} left"
    entries = f"{_entries(step, fact.columns)} of {table_name(mem, tables)}"
    return f"{entries} {_is(step.n)} cleared{zeros}; {rest}."


def change(mem: MemMap, step: Step, fact: EntriesChanged | EntriesProtected) -> str:
    """Entries stay, and change."""
    what = _CHANGES[fact.how] if isinstance(fact, EntriesChanged) else _rights(fact.prot)
    each = "each " if step.n > 1 else ""
    name = table_name(mem, tables_of(step))
    return f"{_entries(step, fact.columns)} of {name} {each}{what}."


def scan(mem: MemMap, step: Step, fact: Scan) -> str:
    """Entries are read until one is not none."""
    left = "one of them is not none, so the page stays"
    verdict = left if fact.found else "all are none, so the page can go"
    why = "the fast path did not apply, so " if fact.fallback else ""
    read = plural(step.n, "entry") if fact.found else f"all {step.n} entries"
    return f"{why}{read} of {table_name(mem, tables_of(step))} {_is(step.n)} read: {verdict}."
