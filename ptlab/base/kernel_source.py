"""Where in the kernel's source a function is: its file, and the version of it that ptlab follows."""

from __future__ import annotations

from typing import TypedDict

_TREE = "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree"


class Source(TypedDict):
    """A kernel function's file, in a version of Linux, and the address of that file there."""

    file: str
    version: str
    url: str


def source_of(function: str) -> Source | None:
    """Where a kernel function is. None if it never was in a release."""
    found = _FILES.get(function)
    if found is None:
        return None
    file, version = found
    return {"file": file, "version": version, "url": f"{_TREE}/{file}?h=v{version}"}


_FILES: dict[str, tuple[str, str]] = {}
