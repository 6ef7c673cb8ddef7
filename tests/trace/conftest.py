"""A program that is recorded once for all tests of the folder."""

import platform
import subprocess
import sys

import pytest

from ptlab.trace.file_format import read_trace
from tests.support.running import can_observe, child

__all__ = ["can_observe", "child", "recorded", "trace"]

_PROGRAM = """
import ctypes, mmap, os, sys, threading
MiB = 1 << 20
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS

def churn():
    for _ in range(30):
        piece = mmap.mmap(-1, 3 * MiB, PRIVATE)
        piece[0] = piece[2 * MiB] = 1
        piece.close()

memory = mmap.mmap(-1, 64 * MiB, PRIVATE)
memory.madvise(mmap.MADV_NOHUGEPAGE)
for at in range(0, 64 * MiB, 4096):
    memory[at] = 1
memory.madvise(mmap.MADV_DONTNEED, 0, 32 * MiB)
for at in range(32 * MiB, 64 * MiB, MiB):
    memory.madvise(mmap.MADV_DONTNEED, at, MiB)
libc = ctypes.CDLL(None)
libc.mmap.argtypes = [ctypes.c_size_t, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_size_t]
libc.mprotect.argtypes = [ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
table, size = 16 << 40, 8192
library = os.open(sys.executable, os.O_RDONLY)
libc.mmap(table - size, size, 1, 0x12, library, 0)
libc.mmap(table, size, 3, 0x12, library, size)
ctypes.string_at(table - size, 1)
ctypes.memset(table, 1, 1)
libc.mprotect(table, size, 1)
huge = mmap.mmap(-1, 6 * MiB)
for at in range(0, 6 * MiB, 4096): huge[at] = 1
first = -ctypes.addressof(ctypes.c_char.from_buffer(huge)) % (2 * MiB)
huge.madvise(25, first, 2 * MiB)
shared = mmap.mmap(-1, 4 * MiB, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
child = os.fork()
if not child:
    shared[2 * MiB] = 1
    threads = [threading.Thread(target=churn) for _ in range(4)]
    for one in threads: one.start()
    for one in threads: one.join()
    file = os.memfd_create("file")
    os.ftruncate(file, 4 * MiB)
    copied = mmap.mmap(file, 4 * MiB, mmap.MAP_PRIVATE)
    copied[3 * MiB] = 1
    os.ftruncate(file, MiB)
    cut = os.open("cut", os.O_RDWR | os.O_CREAT)
    os.ftruncate(cut, 8 * MiB)
    seen = mmap.mmap(cut, 8 * MiB)
    for at in range(0, 8 * MiB, MiB): seen[at] = 1
    libc.mlock.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
    libc.mlock(ctypes.addressof(ctypes.c_char.from_buffer(seen)) + MiB, 4096)
    libc.fallocate(cut, 3, ctypes.c_long(2 * MiB), ctypes.c_long(2 * MiB))
    os.posix_fallocate(cut, 0, MiB)
    os.truncate("cut", 4 * MiB)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """The file of a trace: 64 MiB touched; half dropped at once, half in pieces; then a child.

    Before that, 2 MiB of shared memory become a huge page (MADV_COLLAPSE). A part of a file is mapped
    to be read; its neighbour is written, then only read too. Linux does not merge the two, so only one
    of them is copied for the child.

    The child has four threads that map and unmap, and cuts a file that it maps as private. Another
    file, which it shares, gets a hole, is filled again, and is cut by its path.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("only Linux on x86-64 can be recorded")
    if tuple(map(int, platform.release().split("-")[0].split(".")[:2])) < (6, 7):
        pytest.skip("recording needs Linux 6.7")
    file = tmp_path_factory.mktemp("trace") / "program.trace"
    command = [sys.executable, "-m", "ptlab", "trace", "-o", file, "--"]
    subprocess.run([*command, sys.executable, "-S", "-c", _PROGRAM], check=True, cwd=file.parent)
    return file


@pytest.fixture(scope="session")
def trace(recorded):
    """The trace itself."""
    return read_trace(recorded)
