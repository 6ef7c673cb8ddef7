"""One workload under many designs: how much memory the page tables take, and at what price.

>>> measured = measure("full-table", "unmap_only", "pt_reclaim")
>>> [(m.scheme, m.peak_kb, m.end_kb) for m in measured]
[('unmap_only', 12, 12), ('pt_reclaim', 12, 8)]

All designs run on the same kernel version, so only the designs differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from typing import Any

from ptlab.base.workers import workers
from ptlab.costs.measurement import Measurement
from ptlab.costs.meter import Meter
from ptlab.costs.side_by_side import Measurements
from ptlab.costs.workloads import WORKLOADS, program
from ptlab.draw.glossary import as_words
from ptlab.draw.palette import as_data
from ptlab.process.process import Process
from ptlab.scenario import Scenario, play, read
from ptlab.scenario.operations.mappings import Munmap
from ptlab.schemes import SCHEMES, ReclaimScheme, scheme_class

Scheme = str | type[ReclaimScheme]

KERNEL = "6.18"


def designs(workload: str = "halves", *schemes: Scheme) -> Any:
    """In a notebook: choose a workload and designs, and measure them.

    All nine designs can be chosen, and the ReclaimScheme subclasses given here. Those given are
    ticked at first; if none is given, all are. ValueError for an unknown name, or one in use.
    """
    from ptlab.widgets.designs import Designs

    _scenario(workload, 0)
    own = {scheme_class(scheme).name: scheme for scheme in schemes}
    for name, scheme in own.items():
        if name in SCHEMES and scheme_class(scheme) is not SCHEMES[name]:
            raise ValueError(f"a design is called {name!r} already: yours needs its own name")
    offered: dict[str, Scheme] = {**{name: name for name in SCHEMES}, **own}

    measured: dict[tuple[str, str], Measurement] = {}

    def html(name: str, chosen: Sequence[str], done: Callable[[str], None]) -> str:
        missing = [scheme for scheme in chosen if (name, scheme) not in measured]
        found = measure(name, *(offered[one] for one in missing), parallel=True, done=done)
        measured.update({(name, one.scheme): one for one in found})
        whole = [measured[name, scheme] for scheme in chosen]
        return Measurements(found.scenario, whole)._repr_html_()

    workloads = {name: found.description for name, found in WORKLOADS.items()}
    if workload not in workloads:
        workloads = {workload: _scenario(workload, 0).description, **workloads}
    look = {"palette": as_data(), "glossary": as_words()}
    return Designs(workloads, list(offered), html, workload, list(own) or list(offered), **look)


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
    processors. `done` is called with the name of each finished scheme. ValueError for an unknown
    name, or for one that two of them have; Corruption if your own design breaks the page tables.
    """
    scenario = _scenario(workload, seed)
    chosen: Sequence[Scheme] = schemes or tuple(SCHEMES)
    names = Counter(scheme_class(scheme).name for scheme in chosen)
    for name, times in names.items():
        if times > 1:
            raise ValueError(f"{times} of the designs are called {name!r}: each needs its own name")
    jobs = [(scheme, scenario, kernel, grain) for scheme in chosen]
    if not parallel or workers(len(jobs)) == 1:
        return Measurements(scenario, [_report(run(*job), done) for job in jobs])
    return Measurements(scenario, _together(jobs, done))


def _together(jobs: list[Any], done: Callable[[str], None]) -> list[Measurement]:
    """Built-in designs run in other processes. Only this process knows a class of a notebook cell."""
    from concurrent.futures import ProcessPoolExecutor, as_completed  # a browser has none

    measured: dict[int, Measurement] = {}
    # Not forked: a notebook's kernel has threads, and a fork copies the locks they hold.
    with ProcessPoolExecutor(workers(len(jobs)), mp_context=get_context("spawn")) as pool:
        # The last of SCHEMES take longest, so they begin first.
        away = {
            pool.submit(run, *jobs[i]): i
            for i in reversed(range(len(jobs)))
            if isinstance(jobs[i][0], str)
        }
        for i, job in enumerate(jobs):
            if not isinstance(job[0], str):
                measured[i] = _report(run(*job), done)
        for future in as_completed(away):
            measured[away[future]] = _report(future.result(), done)
    return [measured[i] for i in range(len(jobs))]


def _report(measured: Measurement, done: Callable[[str], None]) -> Measurement:
    done(measured.scheme)
    return measured


def _scenario(workload: str | Scenario, seed: int) -> Scenario:
    if isinstance(workload, Scenario):
        return workload
    return read(workload, partial(program, seed=seed))


def run(scheme: Scheme, scenario: Scenario, kernel: str, grain: str) -> Measurement:
    """Play `scenario` up to its last munmaps, then let the design work in the background."""
    process = Process(scheme, kernel, grain=grain, record=False)
    meter = Meter(process)
    unsupported = None
    for row in play(process, _without_the_end(scenario)):
        if "unsupported" in row:
            unsupported = str(row["op"])
    before = meter.memory.total.vmpte_kb
    process.background()
    if type(process.scheme) not in SCHEMES.values():  # the numbers of a broken one mean nothing
        process.check()
    now = meter.memory.total
    return Measurement(
        scheme=process.scheme.name,
        fate=process.scheme.fate,
        workload=scenario.name,
        kernel=process.kernel,
        peak_kb=meter.memory.peak_kb,
        end_kb=now.vmpte_kb,
        before_background_kb=before,
        mean_kb=round(meter.memory.mean_kb, 1),
        held_kb_ms=round(meter.memory.kb_ms, 1),
        pud=now.pud,
        pmd=now.pmd,
        pte=now.pte,
        costs=meter.finish(),
        track=tuple(meter.memory.track),
        unsupported=unsupported,
    )


def _without_the_end(scenario: Scenario) -> Scenario:
    """Leave out the last munmaps: after a munmap of everything all designs are alike."""
    ops = list(scenario.ops)
    while ops and isinstance(ops[-1], Munmap):
        ops.pop()
    return replace(scenario, ops=tuple(ops))
