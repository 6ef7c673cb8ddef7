"""Sentences about locks: taken, dropped, waited for."""

from __future__ import annotations

from ptlab.base.facts import Lock
from ptlab.base.steps import Step
from ptlab.draw.names import the_lock
from ptlab.state.memmap import MemMap


def lock(mem: MemMap, step: Step, fact: Lock) -> str:
    """A lock is taken."""
    name, mode = fact.name, fact.mode
    if name == "mmap_lock":
        why = "other tasks may read too" if mode == "read" else "no other task may change a VMA"
        return f"mmap_lock is taken for {mode}: {why}."
    if name == "vma_lock" and mode == "write":
        return (
            "no task holds the VMA's lock now; none can take it while mmap_lock is held for write."
        )
    if name == "vma_lock":
        return "the VMA's own lock is taken for read, instead of mmap_lock (Linux 6.4 and later)."
    if name == "i_mmap_rwsem" and mode == "write":
        return "the file's i_mmap_rwsem is taken for write: the VMA leaves the file's mappings."
    if name == "i_mmap_rwsem":
        return "the file's i_mmap_rwsem is taken for read; zapping file pages needs no mmap_lock."
    if name == "i_rwsem":
        return "the inode's lock, i_rwsem, is taken: nobody else changes the size of the file."
    if name == "folio_lock":
        return "the lock of a page in the page cache is taken: nobody takes the page out meanwhile."
    if name == "hugetlb_fault_mutex":
        return "a mutex is taken: two faults on one huge page of a file come one after the other."
    if name == "interrupts":
        return "interrupts are off on this CPU: a TLB flush by interrupt waits for it, and so does RCU."
    tried = "a trylock succeeds: " if mode == "trylock" else ""
    return f"{tried}{the_lock(mem, fact)} is taken."


def unlock(mem: MemMap, step: Step, fact: Lock) -> str:
    """A lock is dropped."""
    if fact.name == "interrupts":
        return "interrupts are on again."
    return f"{the_lock(mem, fact)} is dropped."


def wait(mem: MemMap, step: Step, fact: Lock) -> str:
    """A task is about to take a lock."""
    if fact.name == "interrupts" and fact.mode == "read":
        return "this CPU is about to turn its interrupts off."
    if fact.name == "interrupts" and fact.mode == "sync":
        return (
            "the other CPUs are interrupted: who walks with interrupts off comes to an end first."
        )
    if fact.name == "interrupts":
        return (
            "the other CPUs must flush their TLBs; a CPU does so only while its interrupts are on."
        )
    held = "holds it for write" if fact.mode == "read" else "holds it"
    return f"wants {the_lock(mem, fact)}, and waits if another task {held}."


def downgrade(mem: MemMap, step: Step, fact: Lock) -> str:
    """A lock for write becomes one for read."""
    return "mmap_lock goes from write to read: the VMAs have changed, and what follows is about tables."
