"""The recorder's loop: what each stop of a traced thread means, and what is written down for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress

from ptlab.observe.locate import Located
from ptlab.observe.mappings import Mapping
from ptlab.observe.pagemap import FILE, PFNZERO
from ptlab.trace import calls, tracing
from ptlab.trace.faults import Faults
from ptlab.trace.flight import Flight, enters, returned
from ptlab.trace.looks import sample
from ptlab.trace.notes import Notes
from ptlab.trace.rows import Op
from ptlab.trace.space import Space
from ptlab.trace.tracing import Event

_STOPS = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_EVERY_NS = 5_000_000  # nanoseconds between samples; more where a sample takes long
_SHARE = 5  # at most one part in so many of the time goes into samples

_GONE = (ProcessLookupError, FileNotFoundError)
"""What reading of a process raises that has been killed meanwhile."""


class Recorder:
    """Follows threads until they have ended. They must be seized already.

    One memory call runs at a time; the others wait for their turn. Of two that run at once, nobody
    could say afterwards which came first, and then a mapping would be made before the old one goes.
    """

    def __init__(self, notes: Notes, every_call: bool, faults: Faults | None = None) -> None:
        self.notes = notes
        self._faults = faults
        self.spaces: dict[int, Space] = {}
        self.threads: set[int] = set()
        self._every_call = every_call
        self._flying: dict[int, Flight] = {}
        self._early: set[int] = set()
        self._held: list[int] = []
        self._due = 0

    # -- the loop --

    def run(self) -> None:
        """Until the last thread has ended."""
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        try:
            while self.threads:
                tid, status = os.waitpid(-1, tracing.WAIT | os.WNOHANG)
                if tid:
                    self.changed(tid, status)
                    self._release()
                else:
                    signal.sigtimedwait({signal.SIGCHLD}, _EVERY_NS / 1e9)
                    self._sample_if_due()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def waiting(self) -> set[int]:
        """The threads that this recorder has stopped and not let go again."""
        return {*self._held, *self._early}

    def changed(self, tid: int, status: int) -> None:
        """waitpid said that a thread has stopped or ended."""
        if not os.WIFSTOPPED(status):
            self._ended(tid)
            return
        event, sent = status >> 16, os.WSTOPSIG(status)
        try:
            if tid not in self.threads:
                self._early.add(tid)  # a new thread, before its parent's stop says so
            elif event == Event.STOP and sent in _STOPS:
                tracing.stay_stopped(tid)
            elif event == Event.SECCOMP or sent == signal.SIGTRAP | 0x80:
                self._at_call(tid)
            else:
                self._at_event(tid, event)
                tracing.go(tid, 0 if event else sent, self._every_call)
        except _GONE:
            tracing.go(tid, 0, self._every_call)
        except PermissionError:
            self._hide(self.spaces[tid])
            tracing.go(tid, 0, self._every_call)

    def _at_event(self, tid: int, event: int) -> None:
        if event in (Event.FORK, Event.VFORK, Event.CLONE):
            self._born(tid, tracing.message(tid))
        elif event == Event.EXEC:
            self._execs(tid, tracing.message(tid))
        elif event == Event.EXIT:
            self._leaves(tid)

    # -- processes and threads --

    def _born(self, parent: int, child: int) -> None:
        """A new thread or process. Which of the two, the flags of the call say.

        The call is over with this: vfork() returns only when the child has another program.
        """
        self.threads.add(child)
        space, flight = self.spaces.get(parent), self._flying.pop(parent, None)
        if space is not None and flight is not None:
            if flight.flags & calls.CLONE_VM:
                self._joins(child, space)
            else:
                copy = space.copy(child, self.notes.process())
                self._joins(child, copy)
                self.notes.add(space.who, calls.Fields(Op.FORK, x=copy.who), flight.began)
        if child in self._early:
            self._early.discard(child)
            tracing.go(child, 0, self._every_call)

    def _joins(self, tid: int, space: Space) -> None:
        self.spaces[tid] = space
        space.threads.add(tid)
        if self._faults is not None:
            self._faults.belong_to(tid, space.faulted)

    def _execs(self, tid: int, before: int) -> None:
        """A new program: a new address space, which is looked at as a whole."""
        for thread in {tid, before}:
            self._leaves(thread, sampled=False)  # by now /proc shows the new address space
        self.threads.add(tid)
        self.begins(tid)

    def begins(
        self, pid: int, threads: set[int] | None = None, empty: Located | None = None
    ) -> None:
        """A process comes into the trace: its mappings and entries as they are now.

        `empty`: PTE pages without an entry, which no scan sees.
        """
        space = Space(pid, self.notes.process(), self._faults)
        for tid in threads or {pid}:
            self.threads.add(tid)
            self._joins(tid, space)
        self.notes.add(space.who, calls.Fields(Op.EXEC))
        if space.of_32_bits():
            self.notes.add(space.who, calls.Fields(Op.UNKNOWN, x=calls.OF_32_BITS))
        try:
            for one in space.snapshot():
                self._there_already(space, one, empty.inside(one.start, one.end) if empty else ())
            sample(self.notes, space, stopped=len(space.threads) == 1)
        except PermissionError:
            self._hide(space)

    def _hide(self, space: Space) -> None:
        """The process may not be looked at from now on: it leaves the trace, and runs on.

        It has made itself undumpable, or runs a program that its user may not read.
        """
        for tid in space.threads:
            del self.spaces[tid]
        space.close()
        self.notes.add(space.who, calls.Fields(Op.UNKNOWN, x=calls.HIDDEN))
        self.notes.add(space.who, calls.Fields(Op.EXIT))

    def _there_already(self, space: Space, one: Mapping, empty: Iterable[int]) -> None:
        """A mapping with its entries and its empty tables."""
        pages, who = space.look(one.start, one.end)[0], space.who
        empty, kinds = list(empty), pages["kind"].astype(int)
        file = (kinds & (FILE | PFNZERO) != 0) & (one.rights[0] == "r")
        was_written = bool(empty) or not file.all()
        self.notes.mapping(who, one, was_written)
        space.files.add(self.notes.file(one.file))
        self.notes.runs(who, Op.TOUCH, pages)
        for at in empty:
            self.notes.empty_table(who, at)
        if was_written:
            self.notes.rights(who, one)

    def _leaves(self, tid: int, sampled: bool = True) -> None:
        """A thread leaves its address space; the last one takes it down."""
        space = self.spaces.pop(tid, None)
        self._flying.pop(tid, None)
        if tid in self._held:  # killed while it waited
            self._held.remove(tid)
        if space is None:
            return
        space.threads.discard(tid)
        if space.threads:
            if space.pid == tid:
                space.close()
                space.pid = next(iter(space.threads))
            return
        if sampled:
            with suppress(*_GONE, PermissionError):
                space.pid = tid
                sample(self.notes, space, stopped=True)
        space.close()
        self.notes.add(space.who, calls.Fields(Op.EXIT))

    def _ended(self, tid: int) -> None:
        self._leaves(tid)
        self.threads.discard(tid)

    # -- calls --

    def _at_call(self, tid: int) -> None:
        info = tracing.call(tid)
        space = self.spaces.get(tid)
        if not info.entering:
            flight = self._flying.pop(tid, None)
            if flight is not None and space is not None:
                returned(self.notes, set(self.spaces.values()), space, flight, info.result)
            tracing.go(tid, 0, self._every_call)
        elif space is None or info.number not in calls.WATCHED:
            tracing.go(tid, 0, self._every_call)
        else:
            self._held.append(tid)

    def _release(self) -> None:
        """If no call is in flight, let the one go that has waited longest."""
        while self._held and not self._flying:
            self._sample_if_due()
            tid = self._held.pop(0)
            spaces = set(self.spaces.values())
            try:
                info = tracing.call(tid)
                self._flying[tid] = enters(self.notes, spaces, self.spaces[tid], tid, info)
                tracing.go(tid, 0, to_next_call=True)
            except _GONE:
                tracing.go(tid, 0, self._every_call)
            except PermissionError:
                self._hide(self.spaces[tid])
                tracing.go(tid, 0, self._every_call)

    # -- samples --

    def _sample_if_due(self) -> None:
        """Sample every address space, if it is time and no call is in flight."""
        began = self.notes.clock()
        if began < self._due or self._flying:
            return
        for space in {space.who: space for space in self.spaces.values()}.values():
            try:
                sample(self.notes, space, stopped=False)
            except _GONE:
                pass
            except PermissionError:
                self._hide(space)
        took = self.notes.clock() - began
        self._due = began + max(_EVERY_NS, _SHARE * took)
