"""Settings of huge pages that root may change: the size of a pool, and who gets transparent ones."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SETTINGS = "/sys/kernel/mm/hugepages"
BEFORE = "/run/ptlab-huge-pages.json"
"""What the settings were, while somebody has changed them. Who is killed leaves it for the next one."""
_THP = "/sys/kernel/mm/transparent_hugepage"
_KHUGEPAGED = "khugepaged/pages_to_scan"
_PATIENCE_S = 10  # for processes that end just now, and still have pages


def resize(size: int, count: int) -> None:
    """Have `count` huge pages of `size` bytes in the pool; MemoryError if the machine cannot."""
    if _set(size, count) != count:
        raise MemoryError(f"this machine has no pool of {count} huge pages of {size} bytes")


def set_thp(setting: str, mode: str) -> None:
    """A file in transparent_hugepage: "enabled", "shmem_enabled"."""
    with open(f"{_THP}/{setting}", "w") as file:
        file.write(mode)


def thp(setting: str) -> str:
    """Its mode, while nobody who records has changed it; no huge pages, no mode."""
    with _locked(alone=False):
        return _thp(setting)


def _thp(setting: str) -> str:
    """The word in brackets, as in "always [madvise] never", or the number that it is."""
    try:
        with open(f"{_THP}/{setting}") as file:
            text = file.read()
        return text[text.find("[") + 1 :].partition("]")[0].strip()
    except FileNotFoundError:
        return "never"


@contextmanager
def restored(sizes: set[int], thp: set[str]) -> Iterator[None]:
    """Nobody else who records changes the settings meanwhile; afterwards they are as they were.

    Who changes them records alone.
    """
    if not sizes and not thp:
        with _locked(alone=False):
            yield
        return
    with _locked(alone=True):
        modes = {setting: _thp(setting) for setting in (*thp, *([_KHUGEPAGED] if thp else []))}
        with open(BEFORE, "w") as file:
            json.dump({"sizes": {size: _read(size) for size in sizes}, "thp": modes}, file)
        try:
            if thp:  # khugepaged begins anew with each setting, and collapses what it comes to
                set_thp(_KHUGEPAGED, "1")
            yield
        finally:
            _put_back()


def put_back() -> None:
    """The settings are as they were, also if somebody was killed who had changed them."""
    with _locked(alone=False):
        pass


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
    alone = alone or os.path.exists(BEFORE)  # whose it is still holds the lock, or was killed
    flock(settings, LOCK_EX if alone else LOCK_SH)
    try:
        if alone and os.path.exists(BEFORE):
            with suppress(PermissionError):  # only root has changed them, and can change them back
                _put_back()
        yield
    finally:
        os.close(settings)


def _put_back() -> None:
    with open(BEFORE) as file:
        before = json.load(file)
    for setting, mode in before["thp"].items():
        set_thp(setting, mode)
    for size, count in before["sizes"].items():
        end = time.monotonic() + _PATIENCE_S
        while _set(int(size), count) != count and time.monotonic() < end:
            time.sleep(0.001)
    os.unlink(BEFORE)


def _file(size: int, count: str) -> str:
    return f"{SETTINGS}/hugepages-{size >> 10}kB/{count}_hugepages"


def _set(size: int, count: int) -> int:
    with open(_file(size, "nr"), "w") as file:
        file.write(str(count))
    return _read(size)


def _read(size: int, count: str = "nr") -> int:
    with open(_file(size, count)) as file:
        return int(file.read())
