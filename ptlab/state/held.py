"""Which locks a task holds, and how that changes when it takes or drops one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from ptlab.base.errors import SchemeMistake
from ptlab.base.facts import Lock
from ptlab.base.store import Change

Held: TypeAlias = tuple[Lock, ...]
"""The locks that a task holds, in the order taken."""


@dataclass(slots=True)
class Turn:
    """What a function asks for, a lock that a task takes or drops, and what comes of it.

    before  what the task holds when it asks
    asked   what the function says of the lock
    lock    the one that is meant
    after   what the task holds then
    change  that, as the journal notes it
    steps   the step, alone: a path yields from it
    """

    before: Held
    asked: tuple[Any, ...]
    lock: Lock
    after: Held
    change: Change
    steps: Any


def dropped(held: Held, fn: str, name: str) -> tuple[Lock, Held]:
    """The lock `name` that was taken last, though others may have been after it; and the rest.

    SchemeMistake: none is held.
    """
    index = max((k for k, lock in enumerate(held) if lock.name == name), default=None)
    if index is None:
        mine = ", ".join(lock.name for lock in held) or "no lock"
        raise SchemeMistake(
            f"{fn} drops {name}, which is not held. Held is {mine}. A lock is taken with "
            f"`yield from machine.lock(...)`"
        )
    return held[index], held[:index] + held[index + 1 :]
