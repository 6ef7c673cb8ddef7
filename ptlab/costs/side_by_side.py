"""One workload under several designs: a verdict for each, tables, and VmPTE over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from ptlab.base.lines import wrapped
from ptlab.costs.findings import as_html, verdict
from ptlab.costs.measurement import Measurement
from ptlab.draw.chart import Panels, Series, number
from ptlab.scenario import Scenario


class Measurements(Sequence[Measurement]):
    """A workload under several designs. In a notebook: a table, verdicts and VmPTE over time."""

    def __init__(self, scenario: Scenario, measured: Iterable[Measurement]) -> None:
        self.scenario, self._measured = scenario, list(measured)

    def __getitem__(self, index: Any) -> Any:
        return self._measured[index]

    def __len__(self) -> int:
        return len(self._measured)

    @property
    def base(self) -> Measurement:
        """The design that the others are measured against: unmap_only, or the first without it."""
        return next((m for m in self._measured if m.scheme == "unmap_only"), self._measured[0])

    def verdicts(self) -> dict[str, str]:
        """One sentence or two for each design, made from the numbers."""
        return {m.scheme: verdict(m, self.base) for m in self._measured}

    def chart(self) -> Panels:
        """VmPTE over time, with the page fault as clock; one small picture for each design."""
        series = [Series(m.scheme, _stairs(m.track, m.costs.faults), _ends(m)) for m in self]
        title = f"VmPTE during {self.scenario.name}"
        return Panels(title, "page faults so far", "VmPTE in kB", series)

    def __repr__(self) -> str:
        return f"<Measurements of {self.scenario.name!r}: {', '.join(m.scheme for m in self)}>"

    def __str__(self) -> str:
        verdicts = self.verdicts()
        said = ((wrapped(f"{m.scheme}: {verdicts[m.scheme]}", rest="  "), m.fate) for m in self)
        return "\n".join(f"{text}\n{wrapped(fate, '  ')}" for text, fate in said)

    def _repr_html_(self) -> str:
        about = f": {escape(self.scenario.description)}" if self.scenario.description else ""
        heading = f"<b>{escape(self.scenario.name)}</b> on Linux {self[0].kernel}{about}"
        # As wide as the notebook, not as wide as the widest table.
        return (
            f"<div style='line-height:1.4;width:0;min-width:100%'><p>{heading}</p>"
            f"{self.chart().svg()}{as_html(self, self.verdicts())}</div>"
        )


def _stairs(track: tuple[tuple[int, int], ...], faults: int) -> list[tuple[float, float]]:
    """The corners of the line: VmPTE stays until it changes."""
    corners: list[tuple[float, float]] = []
    for x, y in track:
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    return [*corners, (faults, corners[-1][1])]


def _ends(m: Measurement) -> str:
    """The numbers of a picture, in words."""
    later = f", later {number(m.end_kb)} kB" if m.end_kb != m.before_background_kb else ""
    return f"peak {number(m.peak_kb)} kB, end {number(m.before_background_kb)} kB{later}"
