"""What goes wrong with what a CPU has beside the memory, and with data pages that somebody uses."""

from __future__ import annotations

from dataclasses import dataclass

from ptlab.race.broken_rule import BrokenRule


@dataclass(frozen=True)
class UsesStaleTlb(BrokenRule):
    """A TLB entry is used after its frame has been freed."""

    task: str
    address: int
    frame: int
    says = "task {0.task} uses a stale TLB entry"
    follows = (
        "{0.address:#x} still leads to page frame {0.frame:#x}, which has been freed and may be "
        "anybody's"
    )


@dataclass(frozen=True)
class TakesFreed(BrokenRule):
    """GUP-fast gives its caller a page that is not mapped any more."""

    task: str
    frame: int
    says = "task {0.task} takes page frame {0.frame:#x}, which has been freed"
    follows = "what is read from it, or written to it, is not the process's memory"


@dataclass(frozen=True)
class TakesForeign(BrokenRule):
    """GUP-fast has walked the page tables of another process."""

    task: str
    frame: int
    says = "task {0.task} takes page frame {0.frame:#x} out of another process's page table"
    follows = "the table that it was in belongs to the other process alone by now"


@dataclass(frozen=True)
class CopiesTaken(TakesFreed):
    """A page that GUP has handed out is copied and freed."""

    says = "task {0.task} copies page frame {0.frame:#x}, which GUP has taken"
    follows = "what its user writes there later is lost"


@dataclass(frozen=True)
class HalfInitialised(BrokenRule):
    """A page is found whose content is not visible yet: a barrier is missing. `kind`: table or page."""

    task: str
    kind: str
    number: int
    other: str
    says = "task {0.task} looks into a {0.kind} that is not initialised yet ({0.number:#x})"
    follows = (
        "it sees the entry that task {0.other} wrote last, and not what task {0.other} wrote into the "
        "{0.kind} before; no barrier (smp_wmb) keeps the two in order"
    )
