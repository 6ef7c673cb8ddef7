"""Tables that hang in several places: the PMD pages that hugetlb mappings share.

The row of mem_map names one place, as that of every table; `MemMap.shared` has the others. Source:
include/linux/mm_types.h, pt_share_count of struct ptdesc (Linux 6.18), which counts them.
"""

from __future__ import annotations

from ptlab.base import pte
from ptlab.base.facts import Place
from ptlab.state.memmap import MemMap


def places(mem: MemMap, table: int) -> tuple[Place, ...]:
    """All entries that point to a table."""
    first = Place(mem.parent.item(table), mem.slot.item(table))
    return (first, *mem.shared.get(table, ()))


def share(mem: MemMap, table: int, place: Place) -> None:
    """Enter a table that is in the tree at one more place."""
    mem.write(place.table, place.slot, pte.table_entry(table))
    mem.store.put(mem, "shared", table, (*mem.shared[table], place))


def clear_place(mem: MemMap, table: int, place: Place) -> None:
    """Clear one of the entries that point to a table; the row names another one from now on."""
    first, *others = (there for there in places(mem, table) if there != place)
    mem.store.put(mem, "parent", table, first.table)
    mem.store.put(mem, "slot", table, first.slot)
    mem.store.put(mem, "mm", table, mem.mm.item(first.table))
    mem.store.put(mem, "shared", table, (*others, place))
    mem.write(place.table, place.slot, 0)


def drop_place(mem: MemMap, table: int, place: Place) -> None:
    """Count the table at this place no longer (ptdesc_pmd_pts_dec())."""
    mem.store.put(mem, "shared", table, tuple(p for p in mem.shared[table] if p != place))
