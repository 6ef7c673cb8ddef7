"""The mappings of a story under names that one can type as an address: s0, s1, heap, stack, m1 ..."""

from __future__ import annotations

from ptlab.scenario.slots import SLOT_BASE, SLOT_SIZE, SLOTS
from ptlab.state.vma import VM, prot_name
from ptlab.story.timeline import Timeline
from ptlab.widgets import payload


def mappings(timeline: Timeline) -> list[payload.Mapping]:
    """What was mapped, in the order in which it was; a slot of the scenario language once."""
    found = dict[int, payload.Mapping]()
    heaps = {mm.layout.start_brk for mm in timeline.mms}
    unnamed = 0
    for fact in timeline.mapped:
        start, end = fact.span.start, fact.span.end
        slot, offset = divmod(start - SLOT_BASE, SLOT_SIZE)
        base = start
        if start in heaps:
            name = "heap"
        elif fact.flags & VM.GROWSDOWN:
            name = "stack"
        elif 0 <= slot < SLOTS:
            name, base = f"s{slot}", start - offset
        else:
            unnamed += base not in found
            name = f"m{unnamed}"
        about = f"{start:#x} to {end - 1:#x}, {prot_name(fact.flags)}"
        if name not in (one["name"] for one in found.values()):
            found.setdefault(base, {"name": name, "base": f"{base:#x}", "about": about})
    return list(found.values())
