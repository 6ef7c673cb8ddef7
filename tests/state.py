"""Simulated state as plain data, to be compared."""

import numpy as np

from ptlab import pte
from ptlab.check import base_address
from ptlab.geometry import Level
from ptlab.memmap import MemMap


def everything(process):
    """All state there is, freed tables included: what time travel has to restore."""
    machine, mm, mem = process.machine, process.mm, process.machine.mem
    rows = range(len(mem))
    return {
        "columns": {name: getattr(mem, name)[: len(mem)].tolist() for name in MemMap.COLUMNS},
        "words": {t: mem.entries[t, slice(None)].tobytes() for t in rows if mem.nonnone[t]},
        "nonnone": mem.nonnone[: len(mem)].tolist(),
        "vmas": mm.vmas[0],
        "counters": list(mm.counters),
        "held": str(machine.held[0]),
        "rcu": [np.ravel(tables).tolist() for tables in machine.rcu[0]],
        "next": (machine.next_frame[0], machine.next_anon_vma[0]),
    }


def live_tables(process, level=None):
    """The tables in the tree, all or those of one level."""
    mem = process.machine.mem
    return [t for t in mem.live().tolist() if level is None or mem.level[t] == level]


def outcome(process, frames=True):
    """What a program has brought about, whatever number a table got on the way.

    Without `frames` the numbers of the data pages are left out.
    """
    mem = process.machine.mem
    tables = {}
    for table in live_tables(process):
        level = Level(int(mem.level[table]))
        words = mem.entries[table, slice(None)]
        if level is not Level.PTE or not frames:
            words = words & np.uint64(~pte.PFN_MASK & (1 << 64) - 1)
        there = np.flatnonzero(words)
        tables[level.name, base_address(process.mm, table)] = (
            int(mem.refcount[table]),
            int(mem.visitors[table]),
            int(mem.owed[table]),
            dict(zip(there.tolist(), map(hex, words[there].tolist()), strict=True)),
        )
    return {"vmas": process.mm.vmas[0], "counters": process.counters, "tables": tables}
