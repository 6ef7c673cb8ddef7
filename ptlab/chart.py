"""A line chart as SVG: few series, told apart by dashes and by their names, not by colour alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

Point = tuple[float, float]

WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 30, 45
_LONGEST = 400
_COLOURS = ("#1b6ca8", "#b3541e", "#2e7d32", "#7b1fa2", "#ad1457", "#00695c", "#5d4037", "#37474f")
_DASHES = ("", "6 3", "2 3", "10 4 2 4", "14 4", "4 2 1 2", "1 4", "8 2", "3 6")


class Series(NamedTuple):
    """A name and the points of its line, in the order of x."""

    name: str
    points: Sequence[Point]


class Chart:
    """Lines over a common x. Shown in a notebook as SVG; `svg()` is the text of it."""

    def __init__(
        self, title: str, x_label: str, y_label: str, series: Sequence[Series], marks: str = ""
    ) -> None:
        self.title, self.x_label, self.y_label, self.series = title, x_label, y_label, series
        self.marks = marks
        """What to say of the chart to those who do not see it, besides its title."""

    def svg(self) -> str:
        """The picture. Its title and its end values are there as text too."""
        xs = [x for s in self.series for x, _ in s.points]
        ys = [y for s in self.series for _, y in s.points]
        left, right = min(xs), max(xs)
        low, high = min(0.0, *ys), max(ys) or 1.0
        frame = _Frame(left, right if right > left else left + 1, low, high)
        lines = "".join(self._line(frame, i, s) for i, s in enumerate(self.series))
        ends = "; ".join(f"{s.name} ends at {s.points[-1][1]:.6g}" for s in self.series)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" role="img" font-family="sans-serif" font-size="12">'
            f"<title>{escape(self.title)}</title>"
            f"<desc>{escape(f'{self.y_label} over {self.x_label}: {ends}. {self.marks}')}</desc>"
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
            f'<text x="{LEFT}" y="18" font-weight="bold">{escape(self.title)}</text>'
            f"{frame.axes(self.x_label, self.y_label)}{lines}</svg>"
        )

    def _repr_svg_(self) -> str:
        return self.svg()

    def _line(self, frame: _Frame, index: int, series: Series) -> str:
        colour, dash = _COLOURS[index % len(_COLOURS)], _DASHES[index % len(_DASHES)]
        points = " ".join(
            f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in thinned(series.points, _LONGEST)
        )
        key = TOP + 14 * index + 8
        return (
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dash}"/>'
            f'<line x1="{WIDTH - RIGHT + 12}" x2="{WIDTH - RIGHT + 42}" y1="{key}" y2="{key}" '
            f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
            f'<text x="{WIDTH - RIGHT + 48}" y="{key + 4}">{escape(series.name)}</text>'
        )


class _Frame:
    """Where values lie in the picture."""

    def __init__(self, left: float, right: float, low: float, high: float) -> None:
        self.left, self.right, self.low, self.high = left, right, low, high

    def x(self, value: float) -> float:
        return LEFT + (value - self.left) / (self.right - self.left) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return (
            HEIGHT - BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)
        )

    def axes(self, x_label: str, y_label: str) -> str:
        parts = []
        for value in ticks(self.low, self.high):
            y = self.y(value)
            parts.append(
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
            )
        for value in ticks(self.left, self.right):
            parts.append(
                f'<text x="{self.x(value):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
                f"{value:g}</text>"
            )
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts.append(
            f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>'
            f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
            f"{escape(y_label)}</text>"
        )
        return "".join(parts)


def ticks(low: float, high: float) -> list[float]:
    """Round values between `low` and `high`, about five of them.

    >>> ticks(0, 102604)
    [0.0, 25000.0, 50000.0, 75000.0, 100000.0]
    """
    raw = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * k for k in (1, 2, 2.5, 5, 10) if unit * k >= raw * 0.999)
    first = math.ceil(low / step)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most about `most` points; of each stretch that is merged its lowest and highest stay."""
    if len(points) <= most:
        return list(points)
    size = -(-2 * len(points) // most)
    kept: list[Point] = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        ends = {part.index(f(part, key=lambda p: p[1])) for f in (min, max)}
        kept += [part[i] for i in sorted(ends | {0})]
    return [*kept, points[-1]]
