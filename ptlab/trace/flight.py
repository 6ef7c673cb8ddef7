"""One memory call: what is looked at before it runs, and what is written down when it has returned."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import NamedTuple

from ptlab.base.geometry import PAGE_SHIFT, PAGE_SIZE
from ptlab.trace import calls, tracing
from ptlab.trace.looks import look, sample
from ptlab.trace.notes import Notes
from ptlab.trace.rows import MAP_ANONYMOUS, WAS_READ, WAS_WRITTEN, Op
from ptlab.trace.space import ALL, Space
from ptlab.trace.tracing import Info

_BIRTHS = (calls.CLONE, calls.FORK, calls.VFORK, calls.CLONE3)
_TAKING = (4, 9, 21, 24, 102, 103)  # DONTNEED, REMOVE, PAGEOUT, DONTNEED_LOCKED, GUARD_*


class Flight(NamedTuple):
    """A call that a thread is in: what it is, when it began, and what had to be read before.

    `faulted`: pages of what it takes away that had been faulted on before.
    """

    info: Info
    began: int
    file: int
    flags: int
    faulted: frozenset[int]


def enters(notes: Notes, spaces: Collection[Space], space: Space, tid: int, info: Info) -> Flight:
    """Look at what the call will take away. No other call may be in flight."""
    began, flags, file = notes.clock(), 0, _file(notes, tid, info)
    if info.number in _BIRTHS:
        flags = _clone_flags(tid, info)
        if not flags & calls.CLONE_VM:
            sample(notes, space, stopped=len(space.threads) == 1)
    elif info.number == calls.BRK and info.arguments[0]:
        look(notes, space, calls.page_up(info.arguments[0]), space.brk)
    elif info.number in (calls.TRUNCATE, calls.FTRUNCATE, calls.FALLOCATE):
        for each in spaces:
            if file and file in each.files:
                look(notes, each, 0, ALL)
    elif info.number == calls.SHMDT:
        at = info.arguments[0]
        look(notes, space, at, at + space.segments.get(at, 0))
    lost = calls.losing(info.number, info.arguments)
    for start, end in lost:
        look(notes, space, start, min(end, ALL))
    faulted = frozenset(page for range_ in lost for page in space.faults(*range_))
    return Flight(info, began, file, flags, faulted)


def _clone_flags(tid: int, info: Info) -> int:
    """The flags of clone(), or of the struct clone_args that clone3() is given."""
    first = info.arguments[0]
    if info.number == calls.CLONE3:
        return tracing.word(tid, first)
    if info.number == calls.VFORK:
        return calls.CLONE_VM
    return first if info.number == calls.CLONE else 0


def _file(notes: Notes, tid: int, info: Info) -> int:
    """The number of the file that the call names, by a descriptor or by its path; 0 for none."""
    number = calls.descriptor(info.number, info.arguments)
    try:
        if number is not None:
            found = os.stat(f"/proc/{tid}/fd/{number}")
        elif info.number == calls.TRUNCATE:
            found = _by_path(tid, tracing.text(tid, info.arguments[0]))
        else:
            return 0
    except OSError:
        return 0
    major, minor = os.major(found.st_dev), os.minor(found.st_dev)
    return notes.file(f"{major:02x}:{minor:02x}:{found.st_ino}")


def _by_path(tid: int, path: bytes) -> os.stat_result:
    """The file that a thread means by a path: from its root, or from where it is."""
    start = f"/proc/{tid}/root" if path.startswith(b"/") else f"/proc/{tid}/cwd/"
    return os.stat(start.encode() + path)


def returned(
    notes: Notes, spaces: Collection[Space], space: Space, flight: Flight, result: int
) -> None:
    """Write the call down, and forget which entries it may have taken."""
    info, error = flight.info, -result if -4096 < result < 0 else 0
    number, arguments = info.number, info.arguments
    if number == calls.BRK:
        _brk(notes, space, flight, result)
        return
    if number in (calls.SHMAT, calls.SHMDT):
        _shared_memory(notes, space, flight, result)
        return
    if error and number not in (calls.MADVISE, calls.MPROTECT, calls.PKEY_MPROTECT):
        return
    row = calls.fields(number, arguments, result, flight.file)
    if row is None or (error and row.op == Op.UNKNOWN):
        return
    if len(space.threads) > 1:
        _missed(notes, space, flight)
    notes.add(space.who, row, flight.began, error)
    if row.op == Op.MAP:
        space.files.add(row.file)
    if row.op in (Op.MAP, Op.UNMAP, Op.REMAP) or (row.op == Op.ADVISE and row.x in _TAKING):
        space.forget(row.at, row.at + row.length)
    if row.op == Op.REMAP:
        space.forget(row.z, row.z + row.x)
    if row.op in (Op.RESIZE, Op.PUNCH):
        for each in spaces:
            if row.file in each.files:
                _forget_file(notes, each, row.file)


def _missed(notes: Notes, space: Space, flight: Flight) -> None:
    """Pages that another thread faulted on after the look, and that may have gone with the call."""
    for start, end in calls.losing(flight.info.number, flight.info.arguments):
        for page, wrote in sorted(space.faults(start, end).items()):
            if page not in flight.faulted:
                how = WAS_WRITTEN if wrote else WAS_READ
                notes.add(space.who, calls.Fields(Op.TOUCH, page << PAGE_SHIFT, PAGE_SIZE, how))


def _forget_file(notes: Notes, space: Space, file: int) -> None:
    """Forget all of its mappings, with the copies that a private one has made of its pages."""
    for one in space.mappings():
        if notes.file(one.file) == file:
            space.forget(one.start, one.end)


def _brk(notes: Notes, space: Space, flight: Flight, result: int) -> None:
    """The heap grows or shrinks; a refused brk returns the end as it was."""
    new, old = calls.page_up(result), space.brk
    space.brk = new
    if new > old:
        row = calls.Fields(Op.MAP, old, new - old, 3, MAP_ANONYMOUS)
    elif new < old:
        row = calls.Fields(Op.UNMAP, new, old - new)
        space.forget(new, old)
    else:
        return
    notes.add(space.who, row, flight.began)


def _shared_memory(notes: Notes, space: Space, flight: Flight, result: int) -> None:
    """shmat and shmdt. How long the segment is, maps knows."""
    if flight.info.number == calls.SHMAT:
        one = space.attached(result)
        if one is not None:
            notes.mapping(space.who, one, was_written=False)
        return
    at = flight.info.arguments[0]
    length = space.segments.pop(at, 0)
    if length:
        notes.add(space.who, calls.Fields(Op.UNMAP, at, length), flight.began)
        space.forget(at, at + length)
