"""One workload under many designs: how much memory the page tables take, and at what price.

>>> told = measure("full-table", "unmap_only", "pt_reclaim")
>>> [(m.scheme, m.peak_kb, m.end_kb) for m in told]
[('unmap_only', 12, 12), ('pt_reclaim', 12, 8)]

All designs run on the same kernel, so that only they differ.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from typing import Any

from ptlab import verdicts
from ptlab.chart import Panels, Series, number
from ptlab.costs import Costs, Meter
from ptlab.process import Process
from ptlab.scenario import Scenario, play, read
from ptlab.scenario.ops import Munmap
from ptlab.schemes import SCHEMES, ReclaimScheme, scheme_class
from ptlab.workloads import WORKLOADS, program

Scheme = str | type[ReclaimScheme]

KERNEL = "6.18"


@dataclass(frozen=True)
class Measurement:
    """What one design made of a workload.

    `end_kb` and the numbers of tables are those after `Process.background()`, when the workload is
    done and before its last munmaps; `before_background_kb` is VmPTE before that call. `track` is
    (page faults so far, VmPTE in kB) at every change.
    """

    scheme: str
    fate: str
    workload: str
    kernel: str
    peak_kb: int
    end_kb: int
    before_background_kb: int
    mean_kb: float
    held_kb_ms: float
    pud: int
    pmd: int
    pte: int
    costs: Costs
    track: tuple[tuple[int, int], ...]
    unsupported: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON: the fields above, and the costs beside them. No track."""
        told = {k: v for k, v in vars(self).items() if k not in ("costs", "track", "unsupported")}
        return {**told, **self.costs.as_dict(), "unsupported": self.unsupported}

    def per_fault(self, count: str) -> float:
        """One of the counts of `costs`, for each page fault."""
        return float(getattr(self.costs, count)) / max(self.costs.faults, 1)


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
        """What the others are compared with: unmap_only, or the first if it was left out."""
        return next((m for m in self._measured if m.scheme == "unmap_only"), self._measured[0])

    def verdicts(self) -> dict[str, str]:
        """One sentence or two for each design, made from the numbers."""
        return {m.scheme: verdicts.verdict(m, self.base) for m in self._measured}

    def chart(self) -> Panels:
        """VmPTE over time, with the page fault as clock; one small picture for each design."""
        series = [Series(m.scheme, _stairs(m.track, m.costs.faults), _ends(m)) for m in self]
        title = f"VmPTE during {self.scenario.name}"
        return Panels(title, "page faults so far", "VmPTE in kB", series)

    def __repr__(self) -> str:
        return f"<Measurements of {self.scenario.name!r}: {', '.join(m.scheme for m in self)}>"

    def __str__(self) -> str:
        told = self.verdicts()
        return "\n".join(f"{m.scheme}: {told[m.scheme]}\n  {m.fate}" for m in self)

    def _repr_html_(self) -> str:
        return verdicts.report(self)


def designs(workload: str = "halves", *schemes: Scheme) -> Any:
    """In a notebook: choose a workload and designs, and see them side by side.

    All nine designs can be chosen, and the ReclaimScheme subclasses given here; those given are
    ticked to begin with, or all if there are none. ValueError for an unknown name, or one taken.
    """
    from ptlab.widgets.comparison import Designs

    _scenario(workload, 0)
    own = {scheme_class(scheme).name: scheme for scheme in schemes}
    for name, scheme in own.items():
        if name in SCHEMES and scheme_class(scheme) is not SCHEMES[name]:
            raise ValueError(f"a design is called {name!r} already: yours needs its own name")
    offered: dict[str, Scheme] = {**{name: name for name in SCHEMES}, **own}

    def compare(name: str, chosen: Sequence[str], done: Callable[[str], None]) -> str:
        picked = [offered[scheme] for scheme in chosen]
        return measure(name, *picked, parallel=True, done=done)._repr_html_()

    workloads = {name: found.description for name, found in WORKLOADS.items()}
    if workload not in workloads:
        workloads = {workload: _scenario(workload, 0).description, **workloads}
    return Designs(workloads, list(offered), compare, workload, list(own) or list(offered))


def measure(
    workload: str | Scenario,
    *schemes: Scheme,
    kernel: str = KERNEL,
    grain: str = "range",
    seed: int = 0,
    parallel: bool = False,
    done: Callable[[str], None] = lambda scheme: None,
) -> Measurements:
    """Run a workload (by name, as a scenario or its text) under `schemes`, all nine if none is named.

    A scheme is a name or a ReclaimScheme subclass. `parallel` runs those with a name on all
    processors. `done` is told of each scheme that is finished. ValueError for an unknown name, or
    for one that two of them have; Corruption if a design of your own breaks the page tables.
    """
    scenario = _scenario(workload, seed)
    chosen: Sequence[Scheme] = schemes or tuple(SCHEMES)
    names = Counter(scheme_class(scheme).name for scheme in chosen)
    for name, times in names.items():
        if times > 1:
            raise ValueError(f"{times} of the designs are called {name!r}: each needs its own name")
    jobs = [(scheme, scenario, kernel, grain) for scheme in chosen]
    if not parallel:
        return Measurements(scenario, [_told(run(*job), done) for job in jobs])
    return Measurements(scenario, _together(jobs, done))


def _together(jobs: list[Any], done: Callable[[str], None]) -> list[Measurement]:
    """Designs with a name go to other processes; a class of a notebook cell only this one knows."""
    measured: dict[int, Measurement] = {}
    # Not forked: a notebook's kernel has threads, and a fork copies the locks they hold.
    workers, context = min(len(jobs), os.cpu_count() or 1), get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        # The last of SCHEMES take longest: begun first, they are not what all wait for at the end.
        away = {
            pool.submit(run, *jobs[i]): i
            for i in reversed(range(len(jobs)))
            if isinstance(jobs[i][0], str)
        }
        for i, job in enumerate(jobs):
            if not isinstance(job[0], str):
                measured[i] = _told(run(*job), done)
        for future in as_completed(away):
            measured[away[future]] = _told(future.result(), done)
    return [measured[i] for i in range(len(jobs))]


def _told(measured: Measurement, done: Callable[[str], None]) -> Measurement:
    done(measured.scheme)
    return measured


def _scenario(workload: str | Scenario, seed: int) -> Scenario:
    if isinstance(workload, Scenario):
        return workload
    return read(workload, partial(program, seed=seed))


def run(scheme: Scheme, scenario: Scenario, kernel: str, grain: str) -> Measurement:
    """Play `scenario` up to its last munmaps, then what the design does in the background."""
    process = Process(scheme, kernel, grain=grain, record=False)
    meter = Meter(process)
    unsupported = None
    for row in play(process, _without_the_end(scenario)):
        if "unsupported" in row:
            unsupported = str(row["op"])
    before = process.counters.vmpte_kb
    process.background()
    if type(process.scheme) not in SCHEMES.values():  # numbers of a broken design say nothing
        process.check()
    now = process.counters
    return Measurement(
        scheme=process.scheme.name,
        fate=process.scheme.fate,
        workload=scenario.name,
        kernel=process.kernel,
        peak_kb=meter.held.peak_kb,
        end_kb=now.vmpte_kb,
        before_background_kb=before,
        mean_kb=round(meter.held.mean_kb, 1),
        held_kb_ms=round(meter.held.kb_ms, 1),
        pud=now.pud,
        pmd=now.pmd,
        pte=now.pte,
        costs=meter.finish(),
        track=tuple(meter.held.track),
        unsupported=unsupported,
    )


def _without_the_end(scenario: Scenario) -> Scenario:
    """After a munmap of everything all designs are alike: it is left out."""
    ops = list(scenario.ops)
    while ops and isinstance(ops[-1], Munmap):
        ops.pop()
    return replace(scenario, ops=tuple(ops))


def _stairs(track: tuple[tuple[int, int], ...], faults: int) -> list[tuple[float, float]]:
    """The corners of the line: VmPTE stays until it changes."""
    corners: list[tuple[float, float]] = []
    for x, y in track:
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    return [*corners, (faults, corners[-1][1])]


def _ends(m: Measurement) -> str:
    """What the picture of a design is to be read as."""
    later = f", later {number(m.end_kb)} kB" if m.end_kb != m.before_background_kb else ""
    return f"peak {number(m.peak_kb)} kB, end {number(m.before_background_kb)} kB{later}"
