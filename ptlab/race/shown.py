"""What the columns of a race show: what a segment did, in words, and what each task holds."""

from __future__ import annotations

from collections.abc import Iterator

from ptlab.base.steps import Step
from ptlab.draw.names import lock_name, table_name
from ptlab.draw.sentences import predicate, sentence
from ptlab.race.scheduler import Scheduler

_AT_ITS_END = "its path has come to its end."


def end_of(scheduler: Scheduler) -> str:
    """How far a schedule has come: "broken", "done" or "open"."""
    if scheduler.verdict is not None:
        return "broken"
    return "open" if scheduler.enabled() else "done"


def in_words(scheduler: Scheduler, step: Step | None) -> str:
    """What a segment did, as a sentence."""
    return sentence(scheduler.machine.mem, step) if step else _AT_ITS_END


def predicate_of(scheduler: Scheduler, step: Step | None) -> str:
    """The same without the function's name."""
    return predicate(scheduler.machine.mem, step) if step else _AT_ITS_END


def holds(scheduler: Scheduler, number: int) -> Iterator[str]:
    """What task `number` holds: locks, references, an RCU section, translations in its TLB."""
    machine, sanitizer = scheduler.machine, scheduler.sanitizer
    for lock in machine.held[number]:
        yield lock_name(machine.mem, lock)
    for who, table in sorted(sanitizer.visits):
        if who == number:
            yield f"a reference to {table_name(machine.mem, table)}"
    if sanitizer.depth[number]:
        yield "an RCU read section"
    for address, translation in sanitizer.tlb[number].items():
        yield f"in its TLB: {address:#x} is frame {translation.frame:#x}"
