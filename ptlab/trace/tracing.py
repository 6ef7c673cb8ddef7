"""ptrace by ctypes: only what reads. Nothing here writes a register or a byte of another process.

Source: include/uapi/linux/ptrace.h, ptrace(2). PTRACE_GET_SYSCALL_INFO came with Linux 5.3.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from contextlib import suppress
from enum import IntEnum
from typing import NamedTuple

_PEEKDATA, _CONT, _DETACH, _SYSCALL = 2, 7, 17, 24
_GETEVENTMSG, _SEIZE, _INTERRUPT, _LISTEN, _GET_SYSCALL_INFO = (
    0x4201,
    0x4206,
    0x4207,
    0x4208,
    0x420E,
)
_SYSGOOD, _FORK, _VFORK, _CLONE, _EXEC, _EXIT, _SECCOMP = 1, 2, 4, 8, 16, 64, 128
OPTIONS = _SYSGOOD | _FORK | _VFORK | _CLONE | _EXEC | _EXIT | _SECCOMP
EXITKILL = 1 << 20
_PATH_MAX = 4096
__WALL, __WNOTHREAD = 0x40000000, 0x20000000
WAIT = __WALL | __WNOTHREAD


class Event(IntEnum):
    """PTRACE_EVENT_*: why a thread stopped."""

    FORK = 1
    VFORK = 2
    CLONE = 3
    EXEC = 4
    EXIT = 6
    SECCOMP = 7
    STOP = 128


class Info(NamedTuple):
    """struct ptrace_syscall_info: where in a call the thread is."""

    entering: bool
    number: int
    arguments: tuple[int, ...]
    result: int


_libc: ctypes.CDLL | None = None


def _ptrace(request: int, tid: int, address: int = 0, data: int = 0) -> int:
    """ptrace(2). ProcessLookupError: the thread has died, or is not stopped."""
    global _libc
    if _libc is None:
        _libc = ctypes.CDLL(None, use_errno=True)
        _libc.ptrace.restype = ctypes.c_long
        _libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    ctypes.set_errno(0)
    result: int = _libc.ptrace(request, tid, address, data)
    number = ctypes.get_errno()
    if result == -1 and number:
        raise OSError(number, os.strerror(number))
    return result


def seize(tid: int, options: int) -> None:
    """Trace a thread, without stopping it."""
    _ptrace(_SEIZE, tid, 0, options)


def interrupt(tid: int) -> None:
    """Stop a traced thread: it reports Event.STOP."""
    _ptrace(_INTERRUPT, tid)


def go(tid: int, signal: int = 0, to_next_call: bool = False) -> None:
    """Let a stopped thread run, up to the end of its call or to the next one if asked for."""
    with suppress(ProcessLookupError):  # it was killed meanwhile, and waitpid will say so
        _ptrace(_SYSCALL if to_next_call else _CONT, tid, 0, signal)


def stay_stopped(tid: int) -> None:
    """Leave a thread in the group stop that a SIGSTOP or Ctrl-Z put it in."""
    try:
        _ptrace(_LISTEN, tid)
    except OSError as failed:
        if failed.errno not in (errno.ESRCH, errno.EIO):
            raise


def detach(tid: int, signal: int = 0) -> None:
    """Let a stopped thread go for good."""
    with suppress(ProcessLookupError):
        _ptrace(_DETACH, tid, 0, signal)


def message(tid: int) -> int:
    """PTRACE_GETEVENTMSG: the number of the new thread, or the old number of the one that execs."""
    value = ctypes.c_ulong()
    _ptrace(_GETEVENTMSG, tid, 0, ctypes.addressof(value))
    return value.value


def word(tid: int, address: int) -> int:
    """Eight bytes of the memory of a stopped thread."""
    return _ptrace(_PEEKDATA, tid, address) & (1 << 64) - 1


def text(tid: int, address: int) -> bytes:
    """A path in the memory of a stopped thread, up to its zero byte. OSError: there is none."""
    found, at = b"", address & -8  # an aligned word lies in one page
    while b"\0" not in found[address & 7 :] and len(found) < _PATH_MAX:
        found += word(tid, at + len(found)).to_bytes(8, "little")
    return found[address & 7 :].partition(b"\0")[0]


def call(tid: int) -> Info:
    """The call that a stopped thread enters or has come back from."""
    buffer = ctypes.create_string_buffer(88)
    _ptrace(_GET_SYSCALL_INFO, tid, len(buffer), ctypes.addressof(buffer))
    op = buffer.raw[0]
    if op == 2:
        return Info(False, -1, (), struct.unpack_from("<q", buffer.raw, 24)[0])
    number, *arguments = struct.unpack_from("<7Q", buffer.raw, 24)
    return Info(True, number, tuple(arguments), 0)
