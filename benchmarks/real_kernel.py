"""The cover letter's loop on the kernel that this Python runs on.

The 50 GiB lie where the scenario's slot 0 lies, so that both need the same tables.
"""

import ctypes
import mmap
import os
from pathlib import Path

import numpy as np

from ptlab.base.geometry import PAGE_SIZE, MiB
from ptlab.scenario.slots import SLOT_BASE

CHUNK = 2 * MiB
MADV_NOHUGEPAGE = 15  # include/uapi/asm-generic/mman-common.h; Python has no name for the next two
MAP_NORESERVE = 0x4000  # include/uapi/asm-generic/mman.h
MAP_FIXED_NOREPLACE = 0x100000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def loop(length: int) -> int:
    """mmap; touch every page of 2 MiB, DONTNEED them, through `length`; munmap.

    Returns by how many kB VmPTE grew until the munmap. The touches are one strided numpy write for
    each 2 MiB, so that the interpreter costs next to nothing.
    """
    before = _vmpte()
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE
    address = _libc.mmap(SLOT_BASE, length, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
    _succeeded("mmap", address == SLOT_BASE)
    _succeeded("madvise", _libc.madvise(SLOT_BASE, length, MADV_NOHUGEPAGE) == 0)
    memory = np.ctypeslib.as_array((ctypes.c_uint8 * length).from_address(SLOT_BASE))
    for offset in range(0, length, CHUNK):
        memory[offset : offset + CHUNK : PAGE_SIZE] = 1
        _succeeded("madvise", _libc.madvise(SLOT_BASE + offset, CHUNK, mmap.MADV_DONTNEED) == 0)
    grown = _vmpte() - before
    _succeeded("munmap", _libc.munmap(SLOT_BASE, length) == 0)
    return grown


def _succeeded(call: str, did: bool) -> None:
    if not did:
        number = ctypes.get_errno()
        raise OSError(number, f"{call} of the real loop: {os.strerror(number)}")


def _vmpte() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmPTE:"))
