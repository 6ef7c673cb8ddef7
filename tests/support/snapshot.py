"""Simulated state as plain data, to be compared."""

from dataclasses import replace

import numpy as np

from ptlab.base import pte
from ptlab.base.geometry import Level
from ptlab.state.invariants import check
from ptlab.state.memmap import MemMap, State
from ptlab.state.mm import base_address


def everything(process):
    """All state there is, freed tables and other processes included: what time travel restores."""
    machine, mem = process.machine, process.machine.mem
    rows = range(len(mem))
    return {
        "columns": {name: getattr(mem, name)[: len(mem)].tolist() for name in MemMap.COLUMNS},
        "words": {t: mem.entries[t, slice(None)].tobytes() for t in rows if mem.nonnone[t]},
        "nonnone": mem.nonnone[: len(mem)].tolist(),
        "deposits": {pmd: kept for pmd, kept in mem.deposits.items() if kept},
        "shared": {table: places for table, places in mem.shared.items() if places},
        "mms": [(mm.id, mm.pgd, vmas(mm), list(mm.counters), mm._users[0]) for mm in machine.mms],
        "pools": [list(pool._counts) for pool in machine.hugetlb.hstates.values()],
        "files": files(machine),
        "shares": shares(machine),
        "held": (machine.task, str(machine.held)),
        "rcu": [np.ravel(tables).tolist() for tables in machine.rcu],
        "next": (machine.next_frame[0], machine.next_anon_vma[0]),
    }


def vmas(mm):
    """The VMAs of an address space; a file by its number, so that machines can be compared."""
    return [replace(vma, file=vma.file and vma.file.number) for vma in mm.vmas]


def files(machine):
    """Size and page cache of each file."""
    return [
        (
            file.kind,
            file.size,
            {int(page): int(file.cache[page]) for page in np.flatnonzero(file.cache)},
            np.flatnonzero(file.blank).tolist(),
            np.flatnonzero(file.order).tolist(),
        )
        for file in machine.files
    ]


def shares(machine):
    """How many others map a data page, by frame."""
    shares = machine.pages.shares
    return {int(frame): int(shares[frame]) for frame in np.flatnonzero(shares)}


def check_all(process):
    """check() for every address space of the machine."""
    for mm in process.machine.mms:
        check(mm)


def live_tables(process, level=None):
    """The tables of all trees of the machine, or those of one level."""
    mem = process.machine.mem
    return [t for t in mem.live().tolist() if level is None or mem.level[t] == level]


def owner(process, table):
    """The address space that `table` belongs to."""
    number = int(process.machine.mem.mm[table])
    return next(mm for mm in process.machine.mms if mm.id == number)


def outcome(process):
    """What a program has brought about, whatever number a table got on the way."""
    machine, mem = process.machine, process.machine.mem
    tables = {}
    for table in live_tables(process):
        level = Level(int(mem.level[table]))
        words = mem.entries[table, slice(None)]
        if level is not Level.PTE:
            lower = (words & np.uint64(pte.PSE)) == 0
            words = np.where(lower, words & np.uint64(~pte.PFN_MASK & (1 << 64) - 1), words)
        there = np.flatnonzero(words)
        mm = owner(process, table)
        tables[mm.id, level.name, base_address(mm, table)] = (
            int(mem.refcount[table]),
            int(mem.visitors[table]),
            int(mem.owed[table]),
            dict(zip(there.tolist(), map(hex, words[there].tolist()), strict=True)),
        )
    reserve = np.flatnonzero(mem.state[: len(mem)] == State.DEPOSITED).tolist()
    return {
        "mms": [(mm.id, vmas(mm), list(mm.counters)) for mm in machine.mms],
        "tables": tables,
        "reserve": sorted(
            (int(mem.mm[t]), int(mem.slot[t]), int(mem.refcount[t])) for t in reserve
        ),
        "files": files(machine),
        "shares": shares(machine),
    }
