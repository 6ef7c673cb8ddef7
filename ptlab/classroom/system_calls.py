"""System calls that no answer needs and that attacks on a kernel begin with: refused, by seccomp(2).

The grader makes the filter, a program of the classic BPF; confine.py hands it to the kernel. A refused
call fails with EPERM; clone3() with ENOSYS, so that the C library falls back to clone(), whose flags a
filter can read. A call of another architecture (32-bit, x32) is refused as a whole.

Sources: Documentation/userspace-api/seccomp_filter.rst; struct seccomp_data in
include/uapi/linux/seccomp.h; numbers from arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h (Linux 6.1).
"""

from __future__ import annotations

import ctypes
import errno
import functools
import platform
import struct
import sys

REFUSED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "unshare": (272, 97),
    "setns": (308, 268),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    # memory that belongs to a file, and so to no process whose memory is counted
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
}
"""Their numbers on x86-64 and on arm64."""

_MACHINES = {"x86_64": (0, 0xC000003E, 56, 9), "aarch64": (1, 0xC00000B7, 220, 222)}
"""Which number counts, AUDIT_ARCH_... of linux/audit.h, clone() and mmap()."""

_SHARED_ANONYMOUS = 0x21
"""MAP_SHARED | MAP_ANONYMOUS: such memory stays when a process drops it with MADV_DONTNEED."""

_CLONE3, _X32, _NEW_NAMESPACES = 435, 0x4000_0000, 0x7E02_0000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _FAIL = 0x7FFF_0000, 0x0005_0000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _FOURTH_ARGUMENT = 0, 4, 16, 40
"""Offsets in struct seccomp_data, of a machine with the low half of a word first."""
_SET_SECCOMP, _MODE_FILTER = 22, 2


@functools.cache
def program() -> bytes:
    """The filter for this machine; empty where there is none."""
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or not _known():
        return b""
    column, architecture, clone, mmap = machine
    numbers = [both[column] for both in REFUSED.values()]
    # A jump counts the instructions that it leaves out: first if it is so, then if it is not.
    rest = [
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _FAIL | errno.EPERM),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
    ]
    tests = [
        (_EQUAL, 0, 3, mmap),
        (_LOAD, 0, 0, _FOURTH_ARGUMENT),
        (_AND, 0, 0, _SHARED_ANONYMOUS),
        (_EQUAL, 4, 3, _SHARED_ANONYMOUS),
        (_EQUAL, 0, 2, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 1, 0, _NEW_NAMESPACES),
    ]
    for number in numbers:
        tests.insert(0, (_EQUAL, len(tests) + 1, 0, number))
    tests.insert(0, (_EQUAL, len(tests) + 2, 0, _CLONE3))
    tests.insert(0, (_AT_LEAST, len(tests) + 1, 0, _X32))
    head = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 0, len(tests) + 2, architecture),
        (_LOAD, 0, 0, _NUMBER),
    ]
    return b"".join(struct.pack("=HBBI", *one) for one in [*head, *tests, *rest])


def _known() -> bool:
    """Whether this kernel takes filters: it looks for one where none is, and says so."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SET_SECCOMP, _MODE_FILTER, None, 0, 0)
    return ctypes.get_errno() == errno.EFAULT
