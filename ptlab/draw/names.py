"""What things are called: tables, locks, and how many of them there are."""

from __future__ import annotations

from ptlab.base.facts import Lock
from ptlab.base.geometry import Level
from ptlab.base.steps import Step
from ptlab.base.tables import Tables, is_run
from ptlab.state.memmap import MemMap


def tables_of(step: Step) -> Tables:
    """The table or the run of tables that a step is about."""
    assert step.tables is not None
    return step.tables


def table_name(mem: MemMap, tables: Tables) -> str:
    """'PTE page 7', or '12 PTE pages (7 to 18)' for a run."""
    if is_run(tables):
        if len(tables) > 1:
            level = Level(int(mem.level[tables[0]])).name
            return f"{len(tables)} {level} pages ({tables[0]} to {tables[-1]})"
        tables = int(tables[0])
    return f"{Level(int(mem.level[tables])).name} page {tables}"


def lock_name(mem: MemMap, lock: Lock) -> str:
    """'mmap_lock (read)', 'PTE lock of PTE page 7'."""
    name, of, mode = lock
    if name in ("pmd_lock", "ptl"):
        kind = "PMD" if name == "pmd_lock" else "PTE"
        return f"{kind} lock of {table_name(mem, of)}"
    if name == "vma_lock":
        return f"VMA lock of {of:#x} ({mode})"
    if name == "interrupts":
        return "interrupts off"
    return f"{name} ({mode})" if mode in ("read", "write") else name


def the_lock(mem: MemMap, lock: Lock) -> str:
    """The same in a sentence: 'mmap_lock (read)', 'the PTE lock of PTE page 7'."""
    named_after_another = lock.name in ("pmd_lock", "ptl", "vma_lock")
    return f"the {lock_name(mem, lock)}" if named_after_another else lock_name(mem, lock)


def plural(n: int, noun: str) -> str:
    """'1 entry', '2 entries', '3 pages'."""
    if n == 1:
        return f"1 {noun}"
    return f"{n} {noun[:-1]}ies" if noun.endswith("y") else f"{n} {noun}s"
