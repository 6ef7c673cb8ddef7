"""One workload under many designs: how much memory the page tables take, and at what price.

>>> told = measure("full-table", "unmap_only", "pt_reclaim")
>>> [(m.scheme, m.peak_kb, m.end_kb) for m in told]
[('unmap_only', 12, 12), ('pt_reclaim', 12, 8)]

All designs run on the same kernel, so that only they differ.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from ptlab.chart import Chart, Series
from ptlab.costs import Costs, Meter
from ptlab.process import Process
from ptlab.scenario import Scenario, find, parse, play
from ptlab.scenario.ops import Munmap
from ptlab.schemes import SCHEMES, ReclaimScheme, scheme_class
from ptlab.workloads import WORKLOADS

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
        """One sentence for each design, made from the numbers."""
        return {m.scheme: verdict(m, self.base) for m in self._measured}

    def chart(self) -> Chart:
        """VmPTE over time, with the page fault as clock."""
        series = [Series(m.scheme, _stairs(m.track, m.costs.faults)) for m in self._measured]
        title = f"VmPTE during {self.scenario.name}"
        return Chart(title, "page faults", "VmPTE in kB", series)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name, _ in COLUMNS)
        rows = "".join(
            f"<tr><th>{escape(m.scheme)}</th>"
            + "".join(f"<td>{cell(m)}</td>" for _, cell in COLUMNS)
            + "</tr>"
            for m in self._measured
        )
        words = "".join(
            f"<li><b>{escape(name)}</b>: {escape(text)}</li>"
            for name, text in self.verdicts().items()
        )
        return (
            f"<table><caption>{escape(self.scenario.name)}: "
            f"{escape(self.scenario.description)}</caption>"
            f"<tr><th>design</th>{head}</tr>{rows}</table><ul>{words}</ul>{self.chart().svg()}"
        )


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

    A scheme is a name or a ReclaimScheme subclass. `parallel` uses all processors; it needs names.
    `done` is told of each scheme that is finished. ValueError for an unknown name.
    """
    scenario = _scenario(workload, seed)
    chosen: Sequence[Scheme] = schemes or tuple(SCHEMES)
    for scheme in chosen:
        scheme_class(scheme)
    jobs = [(scheme, scenario, kernel, grain) for scheme in chosen]
    if not parallel:
        return Measurements(scenario, (_told(run(*job), done) for job in jobs))
    with ProcessPoolExecutor(max_workers=min(len(jobs), os.cpu_count() or 1)) as pool:
        futures = [pool.submit(run, *job) for job in jobs]
        return Measurements(scenario, [_told(future.result(), done) for future in futures])


def _told(measured: Measurement, done: Callable[[str], None]) -> Measurement:
    done(measured.scheme)
    return measured


def _scenario(workload: str | Scenario, seed: int) -> Scenario:
    if isinstance(workload, Scenario):
        return workload
    if workload in WORKLOADS:
        return WORKLOADS[workload].scenario(seed)
    return parse(workload)[0] if "\n" in workload or " " in workload else find(workload)


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
    now = process.counters
    return Measurement(
        scheme=process.scheme.name,
        workload=scenario.name,
        kernel=process.kernel,
        peak_kb=meter.peak_kb,
        end_kb=now.vmpte_kb,
        before_background_kb=before,
        mean_kb=round(meter.mean_kb, 1),
        held_kb_ms=round(meter.held_kb_ms, 1),
        pud=now.pud,
        pmd=now.pmd,
        pte=now.pte,
        costs=meter.finish(),
        track=tuple(meter.track),
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


def verdict(m: Measurement, base: Measurement) -> str:
    """In words: what the design saved against `base`, and what it cost on top of it."""
    if m.unsupported:
        return f"Not judged: the simulator does not model {m.unsupported!r} yet."
    if m is base:
        return f"Frees nothing before munmap: {m.peak_kb} kB at the peak, {m.end_kb} kB at the end."
    return f"{_saved(m, base)} {_price(m, base)}"


def _saved(m: Measurement, base: Measurement) -> str:
    if m.end_kb >= base.end_kb and m.peak_kb >= base.peak_kb:
        if m.mean_kb < 0.99 * base.mean_kb:
            return f"Saves for a while only: {m.mean_kb:.0f} instead of {base.mean_kb:.0f} kB."
        return f"Saves nothing: {m.end_kb} kB at the end."
    peak = f"; peak {m.peak_kb} of {base.peak_kb} kB" if m.peak_kb < base.peak_kb else ""
    if m.end_kb < m.before_background_kb == base.before_background_kb:
        return f"Frees only in the background, {m.before_background_kb} to {m.end_kb} kB{peak}."
    if m.end_kb >= base.end_kb:
        return f"Same end, {m.end_kb} kB{peak}."
    share = 100 * (base.end_kb - m.end_kb) / base.end_kb
    return f"Frees {share:.3g} % of what {base.scheme} keeps, down to {m.end_kb} kB{peak}."


def _price(m: Measurement, base: Measurement) -> str:
    """Only what differs enough to be seen: a hundredth per page fault, or locks and waits at all."""
    parts = []
    for count, words in (
        ("atomics_local", "local atomics"),
        ("atomics_shared", "shared atomics"),
        ("percpu_adds", "per-CPU adds"),
        ("scanned", "entries scanned"),
        ("tables_allocated", "tables built"),
    ):
        more = m.per_fault(count) - base.per_fault(count)
        if abs(more) >= 0.005:
            parts.append(f"{more:+.3g} {words}")
    told = f"For each page fault: {', '.join(parts)}." if parts else ""
    writes = m.costs.locks["mmap_lock write"] - base.costs.locks["mmap_lock write"]
    if writes:
        told += f" mmap_lock for write {writes} {'time' if writes == 1 else 'times'}."
    if m.costs.grace_waits:
        told += f" Waits for a grace period: {m.costs.grace_waits}."
    return told.strip() or "It costs next to nothing."


def _per_fault(count: str) -> Callable[[Measurement], str]:
    return lambda m: f"{m.per_fault(count):.3g}"


COLUMNS: tuple[tuple[str, Callable[[Measurement], str]], ...] = (
    ("peak kB", lambda m: str(m.peak_kb)),
    ("mean kB", lambda m: f"{m.mean_kb:.0f}"),
    ("end kB", lambda m: str(m.end_kb)),
    ("PUD", lambda m: str(m.pud)),
    ("PMD", lambda m: str(m.pmd)),
    ("PTE", lambda m: str(m.pte)),
    ("tables built", lambda m: str(m.costs.tables_allocated)),
    ("local atomics per fault", _per_fault("atomics_local")),
    ("shared atomics per fault", _per_fault("atomics_shared")),
    ("per-CPU adds per fault", _per_fault("percpu_adds")),
    ("entries scanned per fault", _per_fault("scanned")),
    ("flushes", lambda m: str(m.costs.flushes)),
    ("write locks", lambda m: str(m.costs.locks["mmap_lock write"])),
    ("grace waits", lambda m: str(m.costs.grace_waits)),
)
"""The table of a comparison: heading, and the cell of one design."""
