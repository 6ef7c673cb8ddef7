"""The judge: play the recorded scenarios on the simulator and compare, op for op."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from ptlab.kernels.live import Kernel
from ptlab.kernels.recorded import ON_A_MACHINE, Step, Trace, recorded
from ptlab.scenario import Row, Scenario, find, run
from ptlab.scenario.operations.files import MakeFile

FIELDS = (
    *("pud", "pmd", "pte", "pte_kb", "rss_kb", "anon_kb", "huge_kb", "hugetlb_kb"),
    *("vmas", "minflt", "present", "zeropg", "swap", "rc", "err", "sig"),
)
"""The fields that are compared. `filepg` depends on the folio sizes of the page cache."""

_SIZES = ("rss_kb", "anon_kb", "huge_kb")
_ENTRY_COUNTS = ("present", "zeropg", "swap")


class Difference(NamedTuple):
    """One field after one op (the `step`-th row) where kernel and simulator disagree."""

    step: int
    op: str
    field: str
    recorded: Any
    simulated: Any


class Result(NamedTuple):
    """How one scenario went.

    ops          ops compared
    unsupported  the op that the simulator does not model, where the comparison ended, or None
    """

    kernel: str
    scenario: str
    group: str
    ops: int
    differences: list[Difference]
    unsupported: str | None

    @property
    def ops_that_differ(self) -> int:
        """Ops with at least one difference."""
        return len({difference.step for difference in self.differences})


def verify(kernel: str, names: Collection[str] = ()) -> Iterator[Result]:
    """Play the scenarios recorded on `kernel`, all or some; yields a result for each."""
    for trace in recorded(kernel):
        if not names or trace.scenario in names:
            yield replay(trace)


def replay(trace: Trace) -> Result:
    """Play one recorded scenario on the simulated kernel of the same version, and compare."""
    version = trace.kernel.removesuffix("-la57")  # the same kernel, booted with five levels
    levels = 4 if trace.kernel == version else 5
    scenario = find(trace.scenario)
    if trace.kernel != ON_A_MACHINE:
        scenario = _with_files_in_memory(scenario)
    return compare(trace, run(scenario, kernel=version, levels=levels))


def _with_files_in_memory(scenario: Scenario) -> Scenario:
    """In QEMU there was no disk: the "disk" files were in the tmpfs at /tmp."""
    ops = tuple(replace(op, disk=False) if isinstance(op, MakeFile) else op for op in scenario.ops)
    return replace(scenario, ops=ops)


def judge(scenario: Scenario, kernel: Kernel, rows: list[Row]) -> Result:
    """Compare with what this machine's kernel has just done (`Recorder.record`)."""
    about = scenario.name, scenario.group, scenario.description
    simulated = run(scenario, kernel.profile, kernel.scheme, kernel.levels)
    return compare(Trace(*about, f"{kernel.name}, live", kernel.release, rows), simulated)


def compare(trace: Trace, rows: list[Row]) -> Result:
    """Compare the rows of a played scenario with what the kernel did."""
    unsupported = next((str(row["op"]) for row in rows if "unsupported" in row), None)
    modelled = [row for row in rows if "unsupported" not in row]
    if unsupported is None and len(rows) != len(trace.steps):
        raise ValueError(
            f"{trace.scenario}: {len(rows)} rows played and {len(trace.steps)} recorded: "
            "the scenario and its recording are not the same"
        )
    differences = [
        Difference(number, str(row["op"]), field, step[field], row[field])
        for number, (row, step) in enumerate(zip(modelled, trace.steps, strict=False))
        for field in FIELDS
        if _known(step, field) and step[field] != row[field]
    ]
    return Result(
        trace.kernel, trace.scenario, trace.group, len(modelled), differences, unsupported
    )


def _known(step: Step, field: str) -> bool:
    """Whether the recorder could read the field (the end of data/README.md says when it could not)."""
    if field not in step or field in step.get("unstable", ()):
        return False
    if field in _ENTRY_COUNTS and step["present"] == -1:
        return False
    if field in _SIZES and step["vmas"] == 0:
        return False
    return field == "err" or step[field] is not None
