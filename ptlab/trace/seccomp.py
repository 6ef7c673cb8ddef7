"""A seccomp filter that stops a program only at the calls a recorder wants to see.

Source: include/uapi/linux/seccomp.h, linux/filter.h. The filter holds for the program that is
started and for its children. It allows everything; the chosen calls stop for the tracer first.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, _PR_SET_NO_NEW_PRIVS = 22, 2, 38
_RET_ALLOW, _RET_TRACE = 0x7FFF0000, 0x7FF00000
_LD_W_ABS, _JMP_JEQ, _RET = 0x20, 0x15, 0x06
_AUDIT_ARCH_X86_64 = 0xC000003E
_AT_NR, _AT_ARCH = 0, 4  # in struct seccomp_data


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def program(numbers: Iterable[int]) -> bytes:
    """The filter as struct sock_filter: stop at these calls of x86-64, allow all others."""
    wanted = sorted(numbers)
    code = [(_LD_W_ABS, 0, 0, _AT_ARCH), (_JMP_JEQ, 0, len(wanted) + 1, _AUDIT_ARCH_X86_64)]
    code.append((_LD_W_ABS, 0, 0, _AT_NR))
    for left, number in zip(range(len(wanted), 0, -1), wanted, strict=True):
        code.append((_JMP_JEQ, left, 0, number))
    code += [(_RET, 0, 0, _RET_ALLOW), (_RET, 0, 0, _RET_TRACE)]
    return b"".join(struct.pack("HBBI", *one) for one in code)


def install(numbers: Iterable[int]) -> None:
    """Put the filter on the calling process, for good. A tracer must be there already."""
    libc = ctypes.CDLL(None, use_errno=True)
    raw = program(numbers)
    code = ctypes.create_string_buffer(raw, len(raw))
    argument = _Program(len(raw) // 8, ctypes.addressof(code))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(argument), 0, 0
    ):
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")
