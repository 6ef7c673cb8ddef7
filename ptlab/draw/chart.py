"""Line charts as SVG: one picture of few lines, or a small one for each line.

A line is known by its name, which stands at its end or above it, and by its dashes; colour only
helps. The pictures take the colours of JupyterLab where the page has them; elsewhere they are dark
on white.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from ptlab.draw.palette import SERIES

Point = tuple[float, float]

WIDTH, HEIGHT = 820, 360
LEFT, RIGHT, TOP, BOTTOM = 76, 190, 34, 46
LINE = 15
_LONGEST = 400
_DASHES = ("", "6 3", "2 3", "10 4 2 4", "14 4", "4 2 1 2", "1 4", "8 2", "3 6")
_COLUMNS, _PANEL_WIDTH, _PANEL_HEIGHT = 3, 250, 92
_NOTE = 34  # characters of a panel's note in a line: a wide font has 7.5 units for each


class Series(NamedTuple):
    """A name, the points of its line in the order of x, and what to write beside the name."""

    name: str
    points: Sequence[Point]
    note: str = ""


class Chart:
    """Lines over a common x, each with its name at its end. Shown in a notebook as SVG."""

    def __init__(self, title: str, x_label: str, y_label: str, series: Sequence[Series]) -> None:
        self.title, self.x_label, self.y_label, self.series = title, x_label, y_label, series

    def svg(self) -> str:
        """The picture as text. Its title and its end values are in it as text too."""
        frame = _frame(self.series, LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)
        ends = [frame.y(s.points[-1][1]) for s in self.series]
        labels = apart(ends, LINE)
        body = "".join(
            self._line(frame, i, end, label)
            for i, (end, label) in enumerate(zip(ends, labels, strict=True))
        )
        described = "; ".join(f"{s.name} ends at {s.points[-1][1]:.6g}" for s in self.series)
        middle = LEFT + frame.width / 2
        axes = (
            frame.ticks_at_y()
            + frame.grid()
            + f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(self.x_label)}'
            f'</text><text transform="translate(14 {HEIGHT / 2}) rotate(-90)" '
            f'text-anchor="middle">{escape(self.y_label)}</text>'
        )
        height = max(HEIGHT, int(max(labels, default=0)) + LINE)
        described = f"{self.y_label} over {self.x_label}: {described}."
        return sheet(self.title, described, WIDTH, height, axes + body)

    def _repr_html_(self) -> str:
        return self.svg()  # not as an image: that would have neither a name nor the page's colours

    def _line(self, frame: _Frame, index: int, end: float, label: float) -> str:
        series, right = self.series[index], LEFT + frame.width
        style = f'stroke="{SERIES[index % len(SERIES)]}" fill="none"'
        return (
            f'<polyline points="{frame.path(series.points)}" stroke-width="2" {style} '
            f'stroke-dasharray="{_DASHES[index % len(_DASHES)]}"/>'
            f'<polyline points="{right},{end:.1f} {right + 8},{end:.1f} {right + 18},{label:.1f}" '
            f'{style}/><text x="{right + 22}" y="{label + 4:.1f}">{escape(series.name)}</text>'
        )


class Panels:
    """A small picture for each line, all on the same scale: for more lines than one can hold."""

    def __init__(self, title: str, x_label: str, y_label: str, series: Sequence[Series]) -> None:
        self.title, self.x_label, self.y_label, self.series = title, x_label, y_label, series

    def svg(self) -> str:
        """The picture as text; the first line is dotted into the others, to compare with.

        Each small picture names its line as `data-design`, and its place and row.
        """
        columns = min(_COLUMNS, len(self.series))
        rows = -(-len(self.series) // columns)
        notes = [wrapped(s.note, _NOTE) for s in self.series]
        above = 21 + LINE * max(map(len, notes), default=0)  # alike in all, so that rows stay level
        pitch = _PANEL_HEIGHT + 20 + above
        body = "".join(
            self._panel(
                i, LEFT + i % columns * (_PANEL_WIDTH + 20), TOP + i // columns * pitch, above, note
            )
            for i, note in enumerate(notes)
        )
        described = "; ".join(f"{s.name}: {s.note}" for s in self.series)
        described = f"{self.y_label} over {self.x_label}. {described}."
        footer = f"Across: {self.x_label}. Up: {self.y_label}, the same scale in all."
        if len(self.series) > 1:
            footer += f" Dotted: {self.series[0].name}."
        height = TOP + rows * pitch + 22
        width = LEFT + columns * (_PANEL_WIDTH + 20)
        body += f'<text x="{LEFT}" y="{height - 8}" class="footer">{escape(footer)}</text>'
        return sheet(self.title, described, width, height, body)

    def _repr_html_(self) -> str:
        return self.svg()  # not as an image: that would have neither a name nor the page's colours

    def _panel(self, index: int, left: int, top: int, above: int, note: Sequence[str]) -> str:
        series = self.series[index]
        frame = _frame(self.series, left, top + above, _PANEL_WIDTH, _PANEL_HEIGHT)
        path, floor = frame.path(series.points), frame.y(0)
        first, last = (frame.x(series.points[i][0]) for i in (0, -1))
        area = f"{first:.1f},{floor:.1f} {path} {last:.1f},{floor:.1f}"
        base = "" if index == 0 else self._dotted(frame)
        lines = "".join(
            f'<text x="{left}" y="{top + 14 + LINE * k}">{escape(line)}</text>'
            for k, line in enumerate(note, 1)
        )
        row = f'<g data-row="{top}">{frame.ticks_at_y()}</g>' if left == LEFT else ""
        return (
            f'{row}<g data-design="{escape(series.name)}" data-x="{left}" data-y="{top}">'
            f'<text x="{left}" y="{top + 14}" font-weight="bold">{escape(series.name)}</text>'
            f"{lines}{frame.grid()}{base}"
            f'<polygon points="{area}" fill="{SERIES[0]}" fill-opacity="0.25"/>'
            f'<polyline points="{path}" fill="none" stroke="{SERIES[0]}" stroke-width="2"/></g>'
        )

    def _dotted(self, frame: _Frame) -> str:
        return (
            f'<polyline points="{frame.path(self.series[0].points)}" fill="none" '
            'stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="1 4"/>'
        )


class _Frame(NamedTuple):
    """Where values lie in the picture."""

    left: float
    top: float
    width: float
    height: float
    x0: float
    x1: float
    y0: float
    y1: float

    def x(self, value: float) -> float:
        return self.left + (value - self.x0) / (self.x1 - self.x0) * self.width

    def y(self, value: float) -> float:
        return self.top + self.height - (value - self.y0) / (self.y1 - self.y0) * self.height

    def path(self, points: Sequence[Point]) -> str:
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in thinned(points, _LONGEST))

    def ticks_at_y(self) -> str:
        """The numbers of the lines across."""
        return "".join(
            f'<text x="{self.left - 6}" y="{self.y(value) + 4:.1f}" text-anchor="end">'
            f"{number(value)}</text>"
            for value in self._lines()
        )

    def _lines(self) -> list[float]:
        return ticks(self.y0, self.y1, self.height / 55)

    def grid(self) -> str:
        """Lines across at round values of y; numbers for x."""
        parts = [
            f'<line x1="{self.left}" x2="{self.left + self.width}" y1="{self.y(value):.1f}" '
            f'y2="{self.y(value):.1f}" stroke="currentColor" stroke-opacity="0.2"/>'
            for value in self._lines()
        ]
        bottom = self.top + self.height + 15
        for value in ticks(self.x0, self.x1, self.width / 110):
            anchor = "end" if self.x(value) > self.left + self.width - 12 else "middle"
            text = f'<text x="{self.x(value):.1f}" y="{bottom}" text-anchor="{anchor}">'
            parts.append(f"{text}{number(value)}</text>")
        return "".join(parts)


def _frame(
    series: Sequence[Series], left: float, top: float, width: float, height: float
) -> _Frame:
    """The frame that holds all lines; its y begins at 0 or below."""
    xs = [x for s in series for x, _ in s.points]
    ys = [y for s in series for _, y in s.points]
    x0, x1, y0, y1 = min(xs), max(xs), min(0.0, *ys), max(0.0, *ys)
    return _Frame(
        left, top, width, height, x0, x1 if x1 > x0 else x0 + 1, y0, y1 if y1 > y0 else y0 + 1
    )


def sheet(title: str, described: str, width: int, height: int, body: str) -> str:
    """An SVG of this size with a title; `described` says in words what it shows."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        'role="img" font-size="12" fill="currentColor" '
        'style="max-width:100%;height:auto;font-family:var(--jp-ui-font-family,sans-serif);'
        'color:var(--jp-content-font-color0,#111);background:var(--jp-layout-color0,#fff)">'
        f"<title>{escape(title)}</title><desc>{escape(described)}</desc>"
        f'<text x="{LEFT}" y="18" font-size="13" font-weight="bold">{escape(title)}</text>'
        f"{body}</svg>"
    )


def number(value: float) -> str:
    """With narrow spaces that do not break between thousands: it is read, not parsed.

    >>> number(102604), number(-0.5)
    ('102\\u202f604', '-0.5')
    """
    return f"{value:,.10g}".replace(",", "\u202f")


def wrapped(text: str, most: int) -> list[str]:
    """Lines of at most `most` characters, broken after a comma where possible.

    >>> wrapped("peak 102604 kB, end 102604 kB, later 204 kB", 34)
    ['peak 102604 kB, end 102604 kB,', 'later 204 kB']
    """
    joined = text.replace(" ", "\u00a0").replace(",\u00a0", ", ")
    return [line.replace("\u00a0", " ") for line in textwrap.wrap(joined, most)]


def apart(places: Sequence[float], least: float) -> list[float]:
    """Places at least `least` from each other, in the same order, each about where it was.

    >>> apart([10.0, 12.0, 40.0], 15)
    [3.5, 18.5, 40.0]
    """
    groups: list[tuple[float, list[int]]] = []  # middle of a group, who is in it
    for i in sorted(range(len(places)), key=lambda i: places[i]):
        middle, members = places[i], [i]
        while groups and groups[-1][0] + least * (len(groups[-1][1]) + len(members)) / 2 > middle:
            before, theirs = groups.pop()
            middle = (before * len(theirs) + middle * len(members)) / (len(theirs) + len(members))
            members = theirs + members
        groups.append((middle, members))
    moved = list(places)
    for middle, members in groups:
        for k, i in enumerate(members):
            moved[i] = middle + (k - (len(members) - 1) / 2) * least
    return moved


def ticks(low: float, high: float, about: float = 5) -> list[float]:
    """Round values between `low` and `high`, `about` that many of them.

    >>> ticks(0, 102604)
    [0.0, 25000.0, 50000.0, 75000.0, 100000.0]
    """
    raw = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * k for k in (1, 2, 2.5, 5, 10) if unit * k >= raw * 0.999)
    first = math.ceil(low / step)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most about `most` points. Each stretch that is merged keeps its lowest and its highest."""
    if len(points) <= most:
        return list(points)
    size = -(-2 * len(points) // most)
    kept: list[Point] = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        ends = {part.index(f(part, key=lambda p: p[1])) for f in (min, max)}
        kept += [part[i] for i in sorted(ends | {0})]
    return [*kept, points[-1]]
