"""Settings of huge pages that root may change: the size of a pool, and who gets transparent ones."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

_SETTINGS = "/sys/kernel/mm/hugepages"
_THP = "/sys/kernel/mm/transparent_hugepage/enabled"
_PATIENCE_S = 10  # for processes that end just now, and still have pages


def resize(size: int, count: int) -> None:
    """Have `count` huge pages of `size` bytes in the pool; MemoryError if the machine cannot."""
    if _set(size, count) != count:
        raise MemoryError(f"this machine has no pool of {count} huge pages of {size} bytes")


def set_thp(mode: str) -> None:
    """transparent_hugepage/enabled."""
    with open(_THP, "w") as file:
        file.write(mode)


@contextmanager
def restored(sizes: set[int], thp: bool) -> Iterator[None]:
    """Nobody else who records changes the settings meanwhile; afterwards they are as they were."""
    if not sizes and not thp:
        yield
        return
    alone = os.open(_SETTINGS, os.O_RDONLY)
    fcntl.flock(alone, fcntl.LOCK_EX)
    before = {size: _read(size) for size in sizes}
    with open(_THP) as file:
        mode = file.read().partition("[")[2].partition("]")[0]
    try:
        yield
    finally:
        if thp:
            set_thp(mode)
        for size, count in before.items():
            end = time.monotonic() + _PATIENCE_S
            while _set(size, count) != count and time.monotonic() < end:
                time.sleep(0.001)
        os.close(alone)


def _file(size: int) -> str:
    return f"{_SETTINGS}/hugepages-{size >> 10}kB/nr_hugepages"


def _set(size: int, count: int) -> int:
    with open(_file(size), "w") as file:
        file.write(str(count))
    return _read(size)


def _read(size: int) -> int:
    with open(_file(size)) as file:
        return int(file.read())
