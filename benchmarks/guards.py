"""The guards of the paths and designs, and how each is left out at one line only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path as FilePath
from typing import Any, NamedTuple
from unittest.mock import patch

from ptlab.base.facts import Lock
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths import collapse, collapse_file, filemap, thp
from ptlab.race.sanitizer import Sanitizer
from ptlab.schemes import PteRefcount
from ptlab.state.machine import Machine


class Site(NamedTuple):
    """A line that has a guard: a lock, or another one, by what it does."""

    file: str
    line: int
    fn: str
    guard: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.fn} ({self.guard})"


class Guards:
    """Notes by which guards a run comes, and leaves out the one at `without`."""

    def __init__(self, without: Site | None) -> None:
        self.without, self.seen = without, set[Site]()

    def left_out(self, fn: str, guard: str, deeper: int = 0) -> bool:
        """Whether the guard of the line that has called is the one to leave out."""
        frame = sys._getframe(2 + deeper)
        path = FilePath(frame.f_code.co_filename)
        if path.parent.name not in ("paths", "schemes"):
            return False
        named = fn or frame.f_code.co_name
        site = Site(f"{path.parent.name}/{path.name}", frame.f_lineno, named, guard)
        self.seen.add(site)
        return site == self.without


_LOCK, _UNLOCK, _FLUSH, _CALL_RCU = Machine.lock, Machine.unlock, Machine.flush, Machine.call_rcu
_RCU_READ_LOCK, _RCU_READ_UNLOCK = Sanitizer.rcu_read_lock, Sanitizer.rcu_read_unlock
_SECOND_LOOKS: tuple[tuple[Any, str, bool], ...] = (
    (Sanitizer, "still_hooked", True),
    (Sanitizer, "unchanged", True),
    (Sanitizer, "pinned", False),
    (Sanitizer, "folio_mapped", False),
    (PteRefcount, "may_be_taken", True),
    (filemap, "still_has", True),
    (thp, "still_has", True),
    (collapse, "_still_valid", True),
    (collapse_file, "_may_go", True),
)
"""Where, the function, and what it would say if nothing had happened meanwhile."""


@contextmanager
def guarded(without: Site | None) -> Iterator[Guards]:
    """Every guard is noted, and the one at `without` is left out."""
    guards = Guards(without)

    def lock(self: Machine, fn: str, name: str, *args: Any, **named: Any) -> Path[bool]:
        if self.others.several and guards.left_out(fn, name):
            return True
        return (yield from _LOCK(self, fn, name, *args, **named))

    def unlock(self: Machine, fn: str, name: str, times: int = 1) -> Step:
        if without and all(held.name != name for held in self.held[self.task]):
            return Step(Kind.UNLOCK, fn, None, 0, times, Lock(name, 0, "left out"))
        return _UNLOCK(self, fn, name, times)

    def flush(self: Machine, fn: str, *args: Any, **named: Any) -> Path[None]:
        if not (self.others.several and guards.left_out(fn, "flush")):
            yield from _FLUSH(self, fn, *args, **named)

    def call_rcu(self: Machine, tables: Any) -> Step:
        if self.others.several and guards.left_out("call_rcu", "grace period"):
            return self.free("__free_page", tables)
        return _CALL_RCU(self, tables)

    def smp_wmb(self: Sanitizer) -> None:
        if self.buffer and not guards.left_out("", "barrier"):
            self.buffer.barrier(self.machine.task)

    unread: list[int] = []

    def rcu_read_lock(self: Sanitizer, task: int) -> None:
        if guards.left_out("", "RCU section"):
            unread.append(task)
        else:
            _RCU_READ_LOCK(self, task)

    def rcu_read_unlock(self: Sanitizer, task: int) -> None:
        if task in unread:
            unread.remove(task)
        else:
            _RCU_READ_UNLOCK(self, task)

    def second_look(real: Callable[..., bool], name: str, usual: bool) -> Callable[..., bool]:
        def look(*args: Any) -> bool:
            return usual if guards.left_out(name, "second look") else real(*args)

        return look

    with ExitStack() as stack:
        for name, made in (
            ("lock", lock),
            ("unlock", unlock),
            ("flush", flush),
            ("call_rcu", call_rcu),
        ):
            stack.enter_context(patch.object(Machine, name, made))
        stack.enter_context(patch.object(Sanitizer, "smp_wmb", smp_wmb))
        stack.enter_context(patch.object(Sanitizer, "rcu_read_lock", rcu_read_lock))
        stack.enter_context(patch.object(Sanitizer, "rcu_read_unlock", rcu_read_unlock))
        for owner, name, usual in _SECOND_LOOKS:
            look = second_look(getattr(owner, name), name, usual)
            stack.enter_context(patch.object(owner, name, look))
        yield guards
