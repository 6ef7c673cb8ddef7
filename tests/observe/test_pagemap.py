"""The ioctl PAGEMAP_SCAN and the file /proc/PID/pagemap say the same."""

import errno
from contextlib import closing

import numpy as np
import pytest

from ptlab.observe.pagemap import HUGE, PFNZERO, Pagemap


def test_the_ioctl_and_the_file_give_the_same(child):
    child("m = mmap.mmap(-1, 64 * MiB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)")
    child("for at in range(0, 64 * MiB, 12288): m[at] = 1")
    child("r = [m[at] for at in range(4096, 64 * MiB, 1 << 16)]")
    with open(f"/proc/{child.pid}/maps") as file:
        lines = [line.split(None, 1)[0].split("-") for line in file if "[vsyscall]" not in line]
    with closing(Pagemap(child.pid)) as pagemap:
        for first, last in lines:
            start, end = int(first, 16), int(last, 16)
            try:
                scanned = pages(pagemap.scan(start, end))
            except OSError as failed:
                if failed.errno == errno.ENOTTY:
                    pytest.skip("PAGEMAP_SCAN came with Linux 6.7")
                raise
            assert scanned == pages(pagemap.read(start, end))


def pages(parts):
    """Each page and its kind, but for what the file does not say."""
    told = ~np.uint64(HUGE | PFNZERO)
    return {
        page: int(run["kind"] & told)
        for part in parts
        for run in part
        for page in range(int(run["start"]) >> 12, int(run["end"]) >> 12)
    }
