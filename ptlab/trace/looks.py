"""A look at an address space, and a sample of VmPTE, as rows of the trace."""

from __future__ import annotations

from ptlab.trace.calls import Fields
from ptlab.trace.notes import Notes
from ptlab.trace.rows import MAP_ANONYMOUS, PROT_READ, PROT_WRITE, Op
from ptlab.trace.space import Space


def look(notes: Notes, space: Space, start: int, end: int) -> None:
    """Write down which entries have come in [start, end), before a call takes them away."""
    if start < end:
        notes.runs(space.who, Op.TOUCH, space.look(start, end)[0])


def look_everywhere(notes: Notes, space: Space) -> None:
    """Write down all entries that have come, and those that went without a call.

    No call may be in flight: what it takes away would seem lost.
    """
    if grown := space.stack_growth():
        flags, rights = MAP_ANONYMOUS, PROT_READ | PROT_WRITE
        row = Fields(Op.MAP, grown[0], grown[1] - grown[0], rights, flags)
        notes.add(space.who, row)
    new, gone = space.look()
    notes.runs(space.who, Op.TOUCH, new)
    notes.runs(space.who, Op.LOST, gone)


def sample(notes: Notes, space: Space, stopped: bool) -> None:
    """All entries and VmPTE. If threads may run meanwhile, look again: that was in flight."""
    look_everywhere(notes, space)
    number = notes.sample(space.who, space.vmpte_kb())
    if not stopped:
        look_everywhere(notes, space)
        notes.settled(number)
