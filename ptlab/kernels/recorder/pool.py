"""Settings of huge pages that root may change: the size of a pool, and who gets transparent ones."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

SETTINGS = "/sys/kernel/mm/hugepages"
_THP = "/sys/kernel/mm/transparent_hugepage"
_PATIENCE_S = 10  # for processes that end just now, and still have pages


def resize(size: int, count: int) -> None:
    """Have `count` huge pages of `size` bytes in the pool; MemoryError if the machine cannot."""
    if _set(size, count) != count:
        raise MemoryError(f"this machine has no pool of {count} huge pages of {size} bytes")


def set_thp(setting: str, mode: str) -> None:
    """transparent_hugepage/enabled or shmem_enabled."""
    with open(f"{_THP}/{setting}", "w") as file:
        file.write(mode)


def _thp(setting: str) -> str:
    """The mode in brackets."""
    with open(f"{_THP}/{setting}") as file:
        return file.read().partition("[")[2].partition("]")[0]


@contextmanager
def restored(sizes: set[int], thp: set[str]) -> Iterator[None]:
    """Nobody else who records changes the settings meanwhile; afterwards they are as they were.

    Who changes them records alone.
    """
    with _locked(alone=bool(sizes or thp)):
        yield from _as_before(sizes, thp)


def in_use(size: int) -> int:
    """How many huge pages of the pool somebody has."""
    with _locked(alone=False):
        return _read(size) - _read(size, "free")


def promised(size: int) -> int:
    """How many of them are promised. Linux can keep a promise of somebody who has long ended."""
    with _locked(alone=False):
        return _read(size, "resv")


@contextmanager
def _locked(alone: bool) -> Iterator[None]:
    """Together with others, or alone, among all who record on this machine."""
    from fcntl import LOCK_EX, LOCK_SH, flock  # Windows has none, and ptlab is imported there too

    try:
        settings = os.open(SETTINGS, os.O_RDONLY)
    except FileNotFoundError:  # a kernel without pools
        yield
        return
    flock(settings, LOCK_EX if alone else LOCK_SH)
    try:
        yield
    finally:
        os.close(settings)


def _as_before(sizes: set[int], thp: set[str]) -> Iterator[None]:
    before = {size: _read(size) for size in sizes}
    modes = {setting: _thp(setting) for setting in thp}
    try:
        yield
    finally:
        for setting, mode in modes.items():
            set_thp(setting, mode)
        for size, count in before.items():
            end = time.monotonic() + _PATIENCE_S
            while _set(size, count) != count and time.monotonic() < end:
                time.sleep(0.001)


def _file(size: int, count: str) -> str:
    return f"{SETTINGS}/hugepages-{size >> 10}kB/{count}_hugepages"


def _set(size: int, count: int) -> int:
    with open(_file(size, "nr"), "w") as file:
        file.write(str(count))
    return _read(size)


def _read(size: int, count: str = "nr") -> int:
    with open(_file(size, count)) as file:
        return int(file.read())
