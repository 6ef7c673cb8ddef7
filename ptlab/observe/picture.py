"""The address space of a process as a picture: its mappings, and below them how full each PTE page is.

Most of an address space is a hole. So it falls into parts, wherever more than 1 GiB is not mapped,
and each part has a scale of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ptlab.base.geometry import PMD_SHIFT, PMD_SIZE, PTRS_PER_TABLE, PUD_SHIFT
from ptlab.draw.chart import number, sheet
from ptlab.draw.palette import SERIES
from ptlab.observe.locate import Located
from ptlab.observe.mapped import Mapped
from ptlab.observe.mappings import Kind, Mapping
from ptlab.observe.tables import Numbers, Tables

_WIDTH, _LEFT, _TOP = 820, 190, 34
_ACROSS = _WIDTH - _LEFT - 14  # of a part, in pixels
_LANE, _STRIP, _GAP = 13, 30, 16
_PARTS = 6  # so many are shown
_LANES = {
    "memory": (Kind.ANONYMOUS, Kind.HUGETLB),
    "files": (Kind.FILE,),
    "shared": (Kind.SHARED,),
    "other": (Kind.SPECIAL, Kind.DEVICE),
}


class _Part(NamedTuple):
    """Neighbouring mappings: [start, end) in 2 MiB slots, and their PTE pages by slot."""

    start: int
    end: int
    mappings: list[Mapping]
    slots: Numbers
    filled: Numbers
    empty: Numbers

    @property
    def lanes(self) -> list[str]:
        """The lanes that its mappings lie in."""
        kinds = {one.kind for one in self.mappings}
        return [name for name, of in _LANES.items() if kinds & {*of}]

    @property
    def height(self) -> int:
        return max(len(self.lanes) * _LANE + _STRIP, 44) + _GAP

    def x(self, address: float) -> float:
        """Where an address lies in the picture."""
        share = (address / PMD_SIZE - self.start) / (self.end - self.start)
        return _LEFT + share * _ACROSS


def address_space(
    title: str, mapped: Sequence[Mapped], tables: Tables, located: Located | None
) -> str:
    """The picture as SVG: the parts that have the most PTE pages, in the order of addresses."""
    empty = located.slots if located else np.zeros(0, np.int64)
    parts = [*_parts([one.mapping for one in mapped], tables, empty)]
    shown = sorted(parts, key=lambda part: len(part.slots) + len(part.empty))[-_PARTS:]
    shown.sort(key=lambda part: part.start)
    top, body = _TOP, ""
    for part in shown:
        body += _drawn(part, top)
        top += part.height
    left_out = len(parts) - len(shown)
    notes = ["Bars under the mappings: one for each PTE page, as high as it is full."]
    if len(empty):
        notes.append("A ring: a PTE page without an entry, located by time.")
    if left_out:
        notes.append(f"{left_out} more parts with fewer PTE pages are not shown.")
    for note in notes:
        body += f'<text x="14" y="{top + 12}">{note}</text>'
        top += 16
    described = "; ".join(_words(part) for part in shown)
    return sheet(title, described, _WIDTH, top + 8, body)


def _parts(mappings: list[Mapping], tables: Tables, empty: Numbers) -> Iterator[_Part]:
    borders = [
        i
        for i in range(1, len(mappings))
        if mappings[i].start - mappings[i - 1].end > 1 << PUD_SHIFT
    ]
    for first, after in pairwise([0, *borders, len(mappings)]):
        of = mappings[first:after]
        start, end = of[0].start >> PMD_SHIFT, ((of[-1].end - 1) >> PMD_SHIFT) + 1
        low, high = np.searchsorted(tables.pte, [start, end])
        inside = empty[(empty >= start) & (empty < end)]
        yield _Part(start, end, of, tables.pte[low:high], tables.filled[low:high], inside)


def _label(part: _Part) -> tuple[str, str, str]:
    """Where a part begins, how large it is, and how many PTE pages with an entry it has."""
    return (
        f"{part.start << PMD_SHIFT:#x}",
        _size((part.end - part.start) * 2),
        f"{number(len(part.slots))} PTE page{'s' if len(part.slots) != 1 else ''}",
    )


def _words(part: _Part) -> str:
    """The same in words, for who does not see the picture."""
    address, size, pages = _label(part)
    return f"from {address}: {size}, {pages} with an entry"


def _size(mib: int) -> str:
    return f"{mib} MiB" if mib < 4096 else f"{number(mib // 1024)} GiB"


def _drawn(part: _Part, top: int) -> str:
    """One part: its label, a lane for each kind of mapping, and the strip of its PTE pages."""
    body = "".join(
        f'<text x="14" y="{top + 11 + 14 * row}" font-size="{12 - bool(row)}">{text}</text>'
        for row, text in enumerate(_label(part))
    )
    lanes = part.lanes
    for lane, name in enumerate(lanes):
        y = top + lane * _LANE
        body += f'<text x="{_LEFT - 6}" y="{y + 10}" text-anchor="end" font-size="11">{name}</text>'
        colour = SERIES[[*_LANES].index(name)]
        for one in part.mappings:
            if one.kind in _LANES[name]:
                x, wide = part.x(one.start), part.x(one.end) - part.x(one.start)
                body += (
                    f'<rect x="{x:.1f}" y="{y}" width="{max(wide, 1):.1f}" height="{_LANE - 3}" '
                    f'fill="{colour}"><title>{escape(one.title)} ({one.kind})</title></rect>'
                )
    return body + _strip(part, top + len(lanes) * _LANE)


def _strip(part: _Part, top: int) -> str:
    """A bar for each PTE page; those that share a pixel are one bar, as high as the fullest."""
    bottom = top + _STRIP
    body = (
        f'<line x1="{_LEFT}" x2="{_LEFT + _ACROSS}" y1="{bottom}" y2="{bottom}" '
        'stroke="currentColor" stroke-opacity="0.4"/>'
    )
    wide = max(_ACROSS / (part.end - part.start), 1)
    highest: dict[int, int] = {}
    for slot, filled in zip(part.slots.tolist(), part.filled.tolist(), strict=True):
        x = int(part.x(slot << PMD_SHIFT))
        highest[x] = max(highest.get(x, 0), filled)
    for x, filled in highest.items():
        tall = max((_STRIP - 6) * filled / PTRS_PER_TABLE, 1)
        body += (
            f'<rect x="{x}" y="{bottom - tall:.1f}" width="{max(wide - 1, 1):.1f}" '
            f'height="{tall:.1f}" fill="currentColor" fill-opacity="0.75"/>'
        )
    for x in {int(part.x((slot << PMD_SHIFT) + PMD_SIZE / 2)) for slot in part.empty.tolist()}:
        body += (
            f'<circle cx="{x}" cy="{bottom - 5}" r="{min(max(wide / 2 - 1, 2), 4):.1f}" '
            f'fill="none" stroke="{SERIES[1]}" stroke-width="1.5"/>'
        )
    return body
