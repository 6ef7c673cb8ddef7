"""Sentences about locks: taken, dropped, wanted."""

from __future__ import annotations

from ptlab.base.facts import Lock
from ptlab.base.steps import Step
from ptlab.draw.names import lock_name
from ptlab.state.memmap import MemMap


def lock(mem: MemMap, step: Step, fact: Lock) -> str:
    """A lock is taken."""
    name, mode = fact.name, fact.mode
    if name == "mmap_lock":
        why = "others may read too" if mode == "read" else "nobody else may change a VMA"
        return f"mmap_lock is taken for {mode}: {why}."
    if name == "vma_lock" and mode == "write":
        return "nobody holds the VMA's lock any more; while mmap_lock is held for write nobody can."
    if name == "vma_lock":
        return "only this VMA is locked, for read; mmap_lock is not taken (a kernel since 6.4)."
    if name == "i_mmap_rwsem" and mode == "write":
        return "the file's i_mmap_rwsem is taken for write: the VMA leaves the file's mappings."
    if name == "i_mmap_rwsem":
        return "the file's i_mmap_rwsem is taken for read; no mmap_lock is needed to zap a file's pages."
    if name == "interrupts":
        return "interrupts are off on this CPU: flushes that interrupt it wait, and so does RCU."
    tried = "a trylock succeeds: " if mode == "trylock" else ""
    return f"{tried}{lock_name(mem, fact)} is taken."


def unlock(mem: MemMap, step: Step, fact: Lock) -> str:
    """A lock is dropped."""
    if fact.name == "interrupts":
        return "interrupts are on again."
    return f"{lock_name(mem, fact)} is dropped."


def wait(mem: MemMap, step: Step, fact: Lock) -> str:
    """A lock is wanted."""
    if fact.name == "interrupts" and fact.mode == "read":
        return "interrupts are to go off on this CPU."
    if fact.name == "interrupts":
        return "the other CPUs are to flush their TLBs: each does when it has interrupts on."
    held = "holds it for write" if fact.mode == "read" else "holds it"
    return f"{lock_name(mem, fact)} is wanted: it has to wait if another task {held}."


def downgrade(mem: MemMap, step: Step, fact: Lock) -> str:
    """A lock for write becomes one for read."""
    return "mmap_lock goes from write to read: the VMAs are out of the tree, only tables are left to do."
