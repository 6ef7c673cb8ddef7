"""How one table looks at one moment: its place, its numbers in words, its 512 entries in runs."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.geometry import Level
from ptlab.draw.names import plural, table_name
from ptlab.draw.palette import STATES
from ptlab.state.memmap import MemMap, State
from ptlab.state.mm import Mm, base_address

Strip: TypeAlias = list[tuple[int, int, str]]
"""Half-open runs [lo, hi) of entries of one kind, none left out; the kinds are pte.kind()'s."""


class Look(NamedTuple):
    """How a table looks.

    state   a key of palette.STATES
    number  references, or non-none entries where none are counted; None while it is not in the tree
    line    in words, such as `3 = 2 entries + 1 visitor`; `shared` if several entries point to the table
    """

    state: str
    number: int | None
    line: str
    strip: Strip


def look(mm: Mm, table: int) -> Look:
    """The look of `table` in the present state."""
    mem = mm.machine.mem
    state = State(int(mem.state[table]))
    name = state.name.lower()
    words = mem.entries[table, slice(None)]
    if state is not State.LIVE:
        return Look(name, None, STATES[name].line, strip(words))
    counted = mem.level[table] == Level.PTE and mm.machine.scheme.counts_references
    number = int((mem.refcount if counted else mem.nonnone)[table])
    line = _sum(mm, table) if counted else plural(number, "entry")
    if mem.shared.get(table):
        line += ", shared"
    return Look(name, number, line, strip(words))


def _sum(mm: Mm, table: int) -> str:
    """What the references of a table are made of."""
    mem = mm.machine.mem
    entries = plural(int(mem.nonnone[table]), "entry")
    visitors, owed = int(mem.visitors[table]), int(mem.owed[table])
    line = f"{int(mem.refcount[table])} = {entries}"
    if visitors:
        line += f" + {plural(visitors, 'visitor')}"
    if owed:
        line += f" {'+' if owed > 0 else '-'} {abs(owed)} to {'put' if owed > 0 else 'get'}"
    return line


_DECIDING = pte.PRESENT | pte.PROTNONE | pte.SPECIAL | pte.PSE | pte.FILE | pte.NX


def strip(words: NDArray[np.uint64]) -> Strip:
    """The non-none entries of a table as runs of one kind each."""
    if not words.any():
        return []
    # What decides the kind of a word; the bits of a frame number or a swap offset do not.
    bits = words & np.uint64(_DECIDING)
    bits[words == 0] = 2
    swapped = (words != 0) & ~pte.is_present(words)
    bits[swapped] = np.where(pte.is_marker(words[swapped]), np.uint64(4), np.uint64(6))
    borders = [0, *(np.flatnonzero(np.diff(bits)) + 1).tolist(), len(words)]
    runs = [(lo, hi, pte.kind(int(words[lo]))) for lo, hi in pairwise(borders)]
    return [run for run in runs if run[2] != "none"]


def place(mm: Mm, table: int) -> str:
    """The address range that `table` maps, last byte included: `0x100000000000 - 0x1000001fffff`."""
    base = base_address(mm, table)
    span = mm.machine.geometry.span(Level(int(mm.machine.mem.level[table])))
    return f"{base:#x} - {base + span - 1:#x}"


def title(mem: MemMap, table: int) -> str:
    """'PTE page 7'."""
    return table_name(mem, table)


def live_children(mm: Mm) -> dict[int, list[int]]:
    """The tables that hang below each table now, by slot."""
    mem = mm.machine.mem
    tables = mem.live()
    tables = tables[(mem.mm[tables] == mm.id) & (tables != mm.pgd)]
    children: dict[int, list[int]] = {}
    for table in tables[np.argsort(mem.slot[tables], kind="stable")].tolist():
        children.setdefault(int(mem.parent[table]), []).append(table)
    return children
