"""Whether an anonymous page is lost: its entry goes, and nobody moves, frees or swaps out the page.

A file's page is in the page cache, whoever maps it. The content of an anonymous page is nowhere else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ptlab.base import pte


class LostPages:
    """The anonymous pages whose entries have gone in the present segment, and what became of them."""

    def __init__(self) -> None:
        self._gone: dict[int, int] = {}
        """By frame: the table that mapped it."""
        self._written: list[Any] = []
        self._put: set[int] = set()

    def written(self, table: int, old: Any, new: Any) -> None:
        """Entries of `table` are written that were `old`."""
        self._written.append(new)
        if some(old):
            self._gone.update(dict.fromkeys(_anonymous(old), table))

    def given_up(self, words: Any) -> None:
        """The reference of each of these entries to its page has been put."""
        self._put |= _anonymous(words)

    def take(self) -> dict[int, int]:
        """What the segment has lost: by frame, the table that mapped it. A new segment begins."""
        lost = self._gone
        if lost:
            kept = self._put.union(*map(_anonymous, self._written))
            lost = {frame: table for frame, table in lost.items() if frame not in kept}
        self._gone, self._written, self._put = {}, [], set()
        return lost


def some(mask: Any) -> bool:
    """np.any(), which is slow with single numbers."""
    return bool(mask.any() if isinstance(mask, np.ndarray) else mask)


def _anonymous(words: Any) -> set[int]:
    """The anonymous frames that entries map; of a huge page its first one."""
    words = np.ravel(np.asarray(words, np.uint64))
    frames = pte.pfn(words[pte.is_present(words)])
    return set(frames[(frames >= pte.FIRST_FRAME) & (frames < pte.FILE_FRAME)].tolist())
