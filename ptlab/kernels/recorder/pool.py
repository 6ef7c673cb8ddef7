"""The pool of huge pages of this machine: its size is a setting, which root may change."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

_SETTINGS = "/sys/kernel/mm/hugepages"


def _file(size: int) -> str:
    return f"{_SETTINGS}/hugepages-{size >> 10}kB/nr_hugepages"


def resize(size: int, count: int) -> None:
    """Have `count` huge pages of `size` bytes in the pool; MemoryError if the machine cannot."""
    with open(_file(size), "r+") as file:
        file.write(str(count))
        file.flush()
        file.seek(0)
        if int(file.read()) != count:
            raise MemoryError(f"this machine has no room for {count} huge pages of {size} bytes")


@contextmanager
def restored(sizes: set[int]) -> Iterator[None]:
    """Nobody else who records changes the pools meanwhile; afterwards they are as they were."""
    if not sizes:
        yield
        return
    alone = os.open(_SETTINGS, os.O_RDONLY)
    fcntl.flock(alone, fcntl.LOCK_EX)
    before = {}
    for size in sizes:
        with open(_file(size)) as file:
            before[size] = int(file.read())
    try:
        yield
    finally:
        for size, count in before.items():
            resize(size, count)
        os.close(alone)
