"""A reclaim scheme goes through every race scene that makes sense for it: one call, one report."""

from __future__ import annotations

from concurrent.futures import Executor
from html import escape

from ptlab.explore import Result, explore
from ptlab.scenes import SCENES
from ptlab.schemes import ReclaimScheme, scheme_class


class RaceReport(tuple[Result, ...]):
    """The results, one for each scene; in JupyterLab a table."""

    @property
    def failures(self) -> list[Result]:
        """The scenes that broke a rule."""
        return [result for result in self if result.result == "failure"]

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(r.scene)}<td>{escape(r.result)}<td>{r.schedules}"
            f"<td><code>{escape(r.shortest or '')}</code><td>{escape(r.verdict or r.bound or '')}</tr>"
            for r in self
        )
        head = "<tr><th>scene<th>result<th>schedules<th>shortest schedule<th>what breaks</tr>"
        return f"<table>{head}{rows}</table>"


def races(
    scheme: str | type[ReclaimScheme], executor: Executor | None = None, most: int | None = 2000
) -> RaceReport:
    """Explore every scene under `scheme`, with every guard in place.

    `most` bounds the schedules run for one scene; a scene that needs more is reported as bounded.

    >>> print(races("unmap_only", most=3)[0].scene)
    exclusive
    """
    chosen = scheme_class(scheme)
    found = (
        explore(scene, scene.under(chosen), executor, most=most)
        for scene in SCENES.values()
        if scene.own_scheme
    )
    return RaceReport(found)
