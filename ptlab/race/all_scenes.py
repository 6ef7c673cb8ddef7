"""Run a reclaim scheme through every race scene that makes sense for it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from html import escape
from inspect import getdoc

from ptlab.base.lines import wrapped
from ptlab.race.explore import explore
from ptlab.race.result import Result
from ptlab.race.scenes import SCENES, Scene, find
from ptlab.schemes import ReclaimScheme, scheme_class

ABOUT_ONE_DESIGN = tuple(scene.name for scene in SCENES.values() if not scene.own_scheme)
"""Scenes that only make sense for the design that they show, or are about no design."""


class SceneResults(tuple[Result, ...]):
    """The results of `scheme`, one for each scene; in JupyterLab a table.

    If a scene breaks a rule, the table is followed by what the scheme says of itself.
    """

    scheme: type[ReclaimScheme]
    left_out: tuple[str, ...]

    def __new__(
        cls,
        results: Iterable[Result],
        scheme: type[ReclaimScheme],
        left_out: tuple[str, ...] = (),
    ) -> SceneResults:
        """Keep the results in the order of the scenes, and the names of those that nobody ran."""
        self = super().__new__(cls, results)
        self.scheme, self.left_out = scheme, left_out
        return self

    @property
    def failures(self) -> list[Result]:
        """The scenes that broke a rule."""
        return [result for result in self if result.result == "failure"]

    @property
    def untried(self) -> list[Result]:
        """The scenes in which what they put to the test has never happened: they say nothing."""
        return [result for result in self if result.untried]

    def _closing(self) -> list[str]:
        lines = []
        if self.left_out:
            names = ", ".join(self.left_out)
            lines.append(f"Left out, because they say nothing of a design: {names}.")
        if self.untried:
            names = ", ".join(result.scene for result in self.untried)
            lines.append(
                f"Not exercised under {self.scheme.name}, so without a word on it: {names}."
            )
        if self.failures:
            lines.append(f"What {self.scheme.name} says of itself: {getdoc(self.scheme)}")
        return lines

    def __str__(self) -> str:
        told = [result.sentence for result in self] + self._closing()
        return "\n".join(wrapped(text, rest="  ") for text in told)

    def _repr_html_(self) -> str:
        headings = ["scene", "result", "schedules", "shortest schedule", "what breaks"]
        rows = (
            [
                r.scene,
                _in_short(r),
                str(r.schedules),
                r.shortest or "",
                r.verdict.sentence if r.verdict else r.bound or "",
            ]
            for r in self
        )
        table = _row("th", headings) + "".join(_row("td", row) for row in rows)
        closing = "".join(f"<p>{escape(text)}</p>" for text in self._closing())
        return f"<table>{table}</table>{closing}"


def races(
    scheme: str | type[ReclaimScheme],
    executor: Executor | None = None,
    most: int | None = 2000,
    scenes: Iterable[str | Scene] | None = None,
    seconds: float | None = None,
    first: bool = False,
) -> SceneResults:
    """Explore every scene that makes sense under `scheme`, with every precaution in place.

    `scenes` are those that you name, or your own; without it, all there are. `most` bounds the
    schedules run for one scene, `seconds` its time; the result of a scene that needs more is "bounded".
    `first` leaves a scene at its first failure.

    >>> print(races("unmap_only", most=3)[0].scene)
    exclusive
    """
    chosen = scheme_class(scheme)
    wanted = [scene for scene in SCENES.values() if scene.own_scheme]
    if scenes is not None:
        wanted = [scene if isinstance(scene, Scene) else find(scene) for scene in scenes]
    found = (
        explore(scene, scene.under(chosen), executor, most=most, seconds=seconds, first=first)
        for scene in wanted
    )
    return SceneResults(found, chosen, ABOUT_ONE_DESIGN if scenes is None else ())


def _in_short(result: Result) -> str:
    return "not exercised" if result.untried else result.result


def _row(kind: str, cells: list[str]) -> str:
    """Each cell has its own style: JupyterLab aligns the cells of a table, not the table."""
    made = (f"<{kind} style='text-align:left'>{escape(cell)}</{kind}>" for cell in cells)
    return f"<tr>{''.join(made)}</tr>"
