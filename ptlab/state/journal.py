"""The journal: every step that was taken, with the changes it made, so that time runs both ways.

Going back reverts changes, going forward applies them again; the kernel paths do not run a second
time. The future is dropped by `fork()`, and by a new operation that starts in the past.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from types import CodeType
from typing import Any, NamedTuple

from ptlab.base.call_path import in_kernel
from ptlab.base.steps import Path, Step
from ptlab.base.store import Change, Store, as_changes, redo, undo
from ptlab.state.call_paths import CallPaths, Place
from ptlab.state.scheme import POINTS


class JournalFull(ValueError):
    """More steps than somebody wants to see; the operation that took them is undone."""


class Call(NamedTuple):
    """A function that is under way. `at` is the offset of the bytecode that it has come to."""

    code: CodeType
    at: int

    @property
    def of_the_kernel(self) -> bool:
        """Whether it has a kernel function's name: neither ptlab's own nor a point of ReclaimScheme."""
        return in_kernel(self.code) and self.code.co_name not in POINTS

    @property
    def line(self) -> int:
        """The line of its file that it has come to."""
        lines = (line for low, high, line in self.code.co_lines() if low <= self.at < high and line)
        return next(lines, self.code.co_firstlineno)


@dataclass
class Operation:
    """A named operation: steps first to last - 1 of the journal (`first` == `last`: no step).

    `who` is the id of the address space whose operation it is.
    """

    text: str
    first: int
    last: int
    who: int
    error: str | None = None


class Journal:
    """Steps, the functions they happened in, and the state changes between them.

    `position` is the number of steps that are applied: 0 is before anything happened.
    """

    def __init__(self, store: Store) -> None:
        if store.log is None:
            raise ValueError("the journal needs a store that records: Process(record=True)")
        self._changes = store.log
        self._marks = array("q", [len(store.log)])
        self.steps: list[Step] = []
        self._places: list[Place] = []
        self._paths = CallPaths()
        self._calls: dict[int, tuple[Call, ...]] = {}
        """What calls() returns, by the id of the place. (Code is slow to hash.)"""
        self._place_of = self._paths.of
        self.operations: list[Operation] = []
        self.position = 0
        self.most: int | None = None
        """Steps after which `commit` raises JournalFull; None: it never does."""

    def __len__(self) -> int:
        return len(self.steps)

    def commit(self, step: Step, path: Path[Any]) -> None:
        """Note a step that `path` has just taken, with all changes since the one before.

        With it goes where the path is, read off its generators: see CallPaths.
        TypeError if it is not a Step: a learner's scheme may yield anything.
        """
        place = self._place_of(path)
        if not isinstance(step, Step):
            name = Call(*place[-2:]).code.co_qualname
            raise TypeError(
                f"{step!r} was yielded in {name}, where a Step belongs: what "
                "mm.unhook_pte(), machine.unlock() and the like return"
            )
        if len(self.steps) == self.most:
            raise JournalFull(f"the journal is full after {self.most} steps")
        self.steps.append(step)
        self._places.append(place)
        self._marks.append(len(self._changes))
        self.position += 1

    @contextmanager
    def operation(self, text: str, who: int) -> Iterator[Operation]:
        """Name what is done inside; an operation within an operation belongs to the outer one.

        Starts by dropping the future, if there is one. If what runs inside fails for a reason that
        is not the kernel's (a bug in a scheme, say), the state before it is restored.
        """
        if self.under_way:
            start = len(self.steps)
            try:
                yield self.operations[-1]
            except OSError:
                raise
            except BaseException:
                self._revert(start)
                raise
            return
        self.fork()
        operation = Operation(text, len(self.steps), -1, who)
        self.operations.append(operation)
        try:
            yield operation
        except OSError as error:
            operation.error = str(error)
            raise
        except BaseException:
            self._revert(operation.first)
            self.operations.pop()
            raise
        finally:
            operation.last = len(self.steps)

    def settle(self) -> None:
        """Count changes that came after the last step (the tail of an operation) to that step."""
        self._marks[-1] = len(self._changes)
        self._paths.forget()

    def settle_between(self) -> None:
        """Count what was changed between two operations to the moment before it, as `settle` does.

        It stays when time comes back to that moment. In an operation, or in the past, nothing is
        done: there it goes with what is dropped.
        """
        if not self.under_way and self.position == len(self.steps):
            self.settle()

    @property
    def at_rest(self) -> bool:
        """Whether no operation is under way at `position`."""
        return not self.under_way and self._inside() is None

    def _inside(self) -> Operation | None:
        """The operation that `position` is in the middle of. O(log operations)."""
        after = bisect_right(self.operations, self.position, key=attrgetter("last"))
        at = self.operations[after] if after < len(self.operations) else None
        return at if at and at.first < self.position else None

    @property
    def last(self) -> Operation | None:
        """The operation that is under way, or the last one that was; None at the very beginning."""
        return self.operations[-1] if self.operations else None

    @property
    def under_way(self) -> bool:
        """Whether an operation has begun and not ended."""
        return bool(self.operations) and self.operations[-1].last < 0

    def seek(self, position: int) -> None:
        """Go to just after step `position`; 0 is the beginning. O(changes in between)."""
        if not 0 <= position <= len(self.steps):
            raise ValueError(f"position {position} is outside the story: 0 to {len(self.steps)}")
        here, there = self._marks[self.position], self._marks[position]
        if there < here:
            undo(self._changes[there:here])
        else:
            redo(self._changes[here:there])
        self.position = position

    def path(self, number: int) -> tuple[str, ...]:
        """The kernel functions that step `number` (1 is the first) happened in, outermost first.

        Left out are ptlab's own, the points of ReclaimScheme among them.
        """
        return tuple(call.code.co_name for call in self.calls(number) if call.of_the_kernel)

    def calls(self, number: int) -> tuple[Call, ...]:
        """The generators that step `number` (1 is the first) happened in, outermost first.

        Steps in the same place have the same tuple.
        """
        at: Any = self._places[number - 1]
        calls = self._calls.get(id(at))
        if calls is None:
            calls = tuple(Call(at[k], at[k + 1]) for k in range(0, len(at), 2))
            self._calls[id(at)] = calls
        return calls

    def changes(self, number: int) -> list[Change]:
        """The changes of step `number` (1 is the first)."""
        return as_changes(self._changes[self._marks[number - 1] : self._marks[number]])

    def back(self) -> bool:
        """One step back; False at the beginning."""
        if self.position == 0:
            return False
        self.seek(self.position - 1)
        return True

    def step(self) -> bool:
        """One step forward; False at the end."""
        if self.position == len(self.steps):
            return False
        self.seek(self.position + 1)
        return True

    def fork(self) -> None:
        """Drop the steps after the present one: what happens next is a new future.

        Only between operations: in the middle of one, locks are held and the kernel path is gone.
        """
        if self.position == len(self.steps):
            return
        inside = self._inside()
        if inside:
            raise ValueError(
                f"step {self.position} is in the middle of {inside.text!r}: seek to {inside.first} "
                f"(before it) or {inside.last} (after it) to go on from there"
            )
        self._revert(self.position)
        self.operations = [o for o in self.operations if o.last <= self.position]

    def _revert(self, position: int) -> None:
        """Undo and forget everything after step `position`, unfinished changes included."""
        mark = self._marks[position]
        if self.position >= position:
            undo(self._changes[mark : self._applied()])
        del self._changes[mark:], self._marks[position + 1 :]
        del self.steps[position:], self._places[position:]
        self.position = position

    def _applied(self) -> int:
        """How many changes are in force: all, unless the journal was sought back."""
        if self.position == len(self.steps):
            return len(self._changes)
        return self._marks[self.position]
