"""The system calls that a trace holds: their numbers on x86-64, and each as a row.

Source: arch/x86/entry/syscalls/syscall_64.tbl. What a call changes is in rows.py.
"""

from __future__ import annotations

from typing import NamedTuple

from ptlab.trace.rows import MAP_ANONYMOUS, Op

MMAP, MPROTECT, MUNMAP, BRK, MREMAP, SHMAT, MADVISE = 9, 10, 11, 12, 25, 30, 28
CLONE, FORK, VFORK, EXECVE, SHMDT, TRUNCATE, FTRUNCATE = 56, 57, 58, 59, 67, 76, 77
MLOCK, MUNLOCK, MLOCKALL, MUNLOCKALL, FALLOCATE = 149, 150, 151, 152, 285
EXECVEAT, MLOCK2, PKEY_MPROTECT, CLONE3 = 322, 325, 329, 435
NOT_UNDERSTOOD = {
    216: "remap_file_pages",
    323: "userfaultfd",
    440: "process_madvise",
    448: "process_mrelease",
}
"""Calls that may change page tables, and that a trace only counts."""

OF_32_BITS, HIDDEN = -1, -2
"""In place of a call's number: what else may change page tables, and is not recorded."""

WATCHED = {
    **{MMAP: "mmap", MPROTECT: "mprotect", MUNMAP: "munmap", BRK: "brk", MREMAP: "mremap"},
    **{SHMAT: "shmat", MADVISE: "madvise", CLONE: "clone", FORK: "fork", VFORK: "vfork"},
    **{SHMDT: "shmdt", TRUNCATE: "truncate", FTRUNCATE: "ftruncate"},
    **{MLOCK: "mlock", MUNLOCK: "munlock", MLOCKALL: "mlockall", MUNLOCKALL: "munlockall"},
    **{EXECVE: "execve", EXECVEAT: "execveat"},
    **{FALLOCATE: "fallocate", MLOCK2: "mlock2", PKEY_MPROTECT: "pkey_mprotect", CLONE3: "clone3"},
    **NOT_UNDERSTOOD,
}

MAP_FIXED, MREMAP_DONTUNMAP = 0x10, 4
CLONE_VM = 0x100
_PUNCH_HOLE, _COLLAPSE_RANGE, _INSERT_RANGE = 0x2, 0x8, 0x20
_PAGE = 4096
MAX_ADDRESS = 1 << 56
"""No address space is larger, with five levels too."""


class Fields(NamedTuple):
    """What one call puts into a row; the columns of rows.py."""

    op: Op
    at: int = 0
    length: int = 0
    x: int = 0
    y: int = 0
    z: int = 0
    file: int = 0


def not_understood(number: int) -> str:
    """The name of what a row of UNKNOWN is about."""
    others = {
        OF_32_BITS: "the calls of a program of 32 bits",
        HIDDEN: "a process that only root may look at",
    }
    return others.get(number) or WATCHED.get(number, f"system call {number}")


def page_up(n: int) -> int:
    """The next multiple of a page."""
    return (n + _PAGE - 1) & -_PAGE


def descriptor(number: int, arguments: tuple[int, ...]) -> int | None:
    """The file descriptor that a call names, if it is about a file."""
    if number == MMAP and not arguments[3] & MAP_ANONYMOUS:
        return _int(arguments[4])
    return _int(arguments[0]) if number in (FTRUNCATE, FALLOCATE) else None


def losing(number: int, arguments: tuple[int, ...]) -> list[tuple[int, int]]:
    """The ranges [start, end) whose entries the call may take away, or whose rights it changes."""
    at, end = arguments[0] & -_PAGE, page_up(arguments[0] + arguments[1])
    if number in (MUNMAP, MADVISE, MPROTECT, PKEY_MPROTECT):
        return [(at, end)]
    if number == MREMAP:
        to = arguments[4]
        return [(at, end), *([(to, page_up(to + arguments[2]))] if arguments[3] & 2 else [])]
    return [(at, end)] if number == MMAP and arguments[3] & MAP_FIXED else []


def fields(number: int, arguments: tuple[int, ...], result: int, file: int) -> Fields | None:
    """The row of a call that returned `result`; None for one that changes nothing.

    A call whose numbers lie outside every address space is not understood. brk is not here: how far
    the heap reached before, only the caller knows.
    """
    row = _fields(number, arguments, result, file)
    if row is None or (min(row) >= 0 and max(row) <= MAX_ADDRESS):
        return row
    return Fields(Op.UNKNOWN, x=number)


def _fields(number: int, arguments: tuple[int, ...], result: int, file: int) -> Fields | None:
    at, length, third = arguments[0], arguments[1], arguments[2]
    if number == MMAP:
        offset = 0 if arguments[3] & MAP_ANONYMOUS else arguments[5]
        return Fields(Op.MAP, result, page_up(length), third, arguments[3], offset, file)
    if number == MREMAP:
        return Fields(Op.REMAP, at, page_up(length), page_up(third), arguments[3], result)
    simple = {
        MUNMAP: (Op.UNMAP, 0),
        MADVISE: (Op.ADVISE, third),
        MPROTECT: (Op.PROTECT, third),
        PKEY_MPROTECT: (Op.PROTECT, third),
        MLOCK: (Op.LOCK, 0),
        MLOCK2: (Op.LOCK, third),
        MUNLOCK: (Op.UNLOCK, 0),
    }
    if number in simple:
        op, x = simple[number]
        return Fields(op, at, page_up(length), x)
    if number in (MLOCKALL, MUNLOCKALL):
        return Fields(Op.LOCKALL, x=at if number == MLOCKALL else 0)
    if number in (TRUNCATE, FTRUNCATE):
        return Fields(Op.RESIZE, x=length, file=file) if file else None
    if number == FALLOCATE:
        return _fallocate(number, arguments, file)
    return Fields(Op.UNKNOWN, x=number) if number in NOT_UNDERSTOOD else None


def _fallocate(number: int, arguments: tuple[int, ...], file: int) -> Fields | None:
    mode, offset, length = arguments[1:4]
    if not file:
        return None
    if mode & (_COLLAPSE_RANGE | _INSERT_RANGE):
        return Fields(Op.UNKNOWN, x=number)
    return Fields(Op.PUNCH if mode & _PUNCH_HOLE else Op.ALLOCATE, 0, length, z=offset, file=file)


def _int(value: int) -> int:
    """A C int in a 64-bit register."""
    return value - (1 << 32) if (value := value & 0xFFFFFFFF) >> 31 else value
