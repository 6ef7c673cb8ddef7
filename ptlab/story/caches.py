"""The page caches of a story's files: which pages are there, which are mapped, and by whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.base.geometry import PTRS_PER_TABLE, Level
from ptlab.draw.names import plural
from ptlab.state.machine import Machine
from ptlab.state.mm import Mm
from ptlab.state.page_cache import File
from ptlab.widgets import payload

MOST = 1 << 20
"""Pages of a file beyond which its cache is not drawn: to look at it would hold up every step."""
_STATES = ("absent", "cached", "mapped", "dirty")


class CacheLook(NamedTuple):
    """How the cache of a file looks.

    pages   how many pages the file has, and how many of them are there
    mapped  how many of them each process maps, by its index
    strip   runs [from, to, state, frame of the first) of the pages that are there; a state is "cached",
            "mapped" (by an entry), or "dirty" (by an entry whose dirty bit is set)
    """

    pages: tuple[int, int]
    mapped: dict[int, int]
    strip: list[tuple[int, int, str, int]]


Tracks = dict[int, list[tuple[int, CacheLook]]]
"""(step, look) of the caches that are drawn, by the number of the file."""


def note(tracks: Tracks, number: int, machine: Machine, mms: Sequence[Mm]) -> None:
    """Add to `tracks` what has changed at step `number`, after which the state is the present one."""
    files = [file for file in machine.files if max(file.pages, len(file.cache)) <= MOST]
    if not files:
        return
    mapped = [_mapped(machine, mm) for mm in mms]
    for file in files:
        seen, track = _look(file, mapped), tracks.setdefault(file.number, [])
        if not track or track[-1][1] != seen:
            track.append((number, seen))


def as_data(tracks: Tracks, machine: Machine, names: Sequence[str]) -> list[payload.Cache]:
    """The caches as they are in a pane; `names` are those of the processes."""
    kinds = {file.number: file.kind for file in machine.files}
    return [
        {
            "title": f"{kinds[number]} file {number}",
            "track": [
                {
                    "step": step,
                    "pages": seen.pages[0],
                    "line": _line(seen, names),
                    "strip": seen.strip,
                }
                for step, seen in track
            ],
        }
        for number, track in sorted(tracks.items())
    ]


def _line(seen: CacheLook, names: Sequence[str]) -> str:
    """'3 of 8 pages are cached, mapped: parent 2, child 1 1, with a dirty entry: 1'."""
    (of, there), dirty = seen.pages, sum(b - a for a, b, state, _ in seen.strip if state == "dirty")
    by = ", ".join(f"{names[process]} {n}".strip() for process, n in seen.mapped.items())
    parts = (
        f"{there} of {plural(of, 'page')} cached",
        by and f"mapped: {by}",
        dirty and f"with a dirty entry: {dirty}",
    )
    return ", ".join(part for part in parts if part)


def _mapped(machine: Machine, mm: Mm) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The frames of files that `mm` maps, and those of them that a dirty entry maps."""
    mem, whole = machine.mem, slice(0, PTRS_PER_TABLE)
    tables = mem.live()
    own = tables[mem.mm[tables] == mm.id]
    words = mem.entries[own[mem.level[own] == Level.PTE], whole].ravel()
    found = [words[pte.is_file(words)]]
    upper = mem.entries[own[mem.level[own] == Level.PMD], whole].ravel()
    huge = upper[pte.is_file(upper) & ((upper & np.uint64(pte.PSE)) != 0)]
    each = np.arange(PTRS_PER_TABLE, dtype=np.uint64) << np.uint64(12)
    found.append((huge[:, None] + each).ravel())
    all_words = np.concatenate(found)
    return pte.pfn(all_words), pte.pfn(all_words[(all_words & np.uint64(pte.DIRTY)) != 0])


def _look(file: File, mapped: Sequence[tuple[NDArray[np.uint64], NDArray[np.uint64]]]) -> CacheLook:
    pages = file.cached(0, len(file.cache))
    frames = file.cache[pages]
    state, by = np.ones(len(pages), np.int8), dict[int, int]()
    for process, (maps, dirty) in enumerate(mapped):
        one = np.isin(frames, maps)
        state[one] = np.maximum(state[one], 2)
        state[np.isin(frames, dirty)] = 3
        if one.any():
            by[process] = int(np.count_nonzero(one))
    return CacheLook((file.pages, len(pages)), by, _runs(pages, frames, state))


def _runs(
    pages: NDArray[np.int64], frames: NDArray[np.int64], state: NDArray[np.int8]
) -> list[tuple[int, int, str, int]]:
    """Neighbours of one state whose frames are neighbours too are a run."""
    if not len(pages):
        return []
    breaks = (np.diff(pages) != 1) | (np.diff(frames) != 1) | (np.diff(state) != 0)
    firsts = [0, *(np.flatnonzero(breaks) + 1).tolist()]
    lasts = [*firsts[1:], len(pages)]
    return [
        (int(pages[i]), int(pages[k - 1]) + 1, _STATES[state[i]], int(frames[i]))
        for i, k in zip(firsts, lasts, strict=True)
    ]
