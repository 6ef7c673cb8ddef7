"""A search for programs on which the simulator and this machine's kernel disagree."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis
from hypothesis import HealthCheck, Verbosity
from hypothesis import strategies as st

from ptlab.kernels.judge import Result, judge
from ptlab.kernels.live import (
    Kernel,
    Recorder,
    RecorderError,
    beside_promises,
    has_swap,
    huge_pages_refused,
    lacks_pool,
)
from ptlab.kernels.random_huge_pages import huge_programs
from ptlab.kernels.random_hugetlb import (
    POOL,
    gigantic_programs,
    hugetlb_programs,
    shared_pmd_programs,
)
from ptlab.kernels.random_operations import chosen_programs, operation_programs
from ptlab.kernels.random_programs import programs
from ptlab.scenario import Row, ScenarioError, parse, run

BATCH = 50
"""Programs for one seed; a longer search takes the seeds after it."""


_SELDOM = 8
"""Programs of each other kind for one with a page of 1 GiB, which takes seconds to make."""


class Disagreement(Exception):
    """A program on which the two disagree. Its message is the program and both rows of the first
    op that differs, in the scenario language.
    """

    def __init__(self, program: str, result: Result, linux: Row, simulated: Row) -> None:
        self.program, self.result = program, result
        super().__init__(_told(program, result, linux, simulated))


def search(
    recorder: Recorder,
    kernel: Kernel,
    seed: int,
    examples: int = BATCH,
    after_each: Callable[[Result], None] = lambda result: None,
) -> None:
    """Try random programs. Raises Disagreement with the smallest program that could be found."""
    kinds = [programs(), operation_programs(), chosen_programs()]
    if not has_swap():
        kinds.append(huge_programs())
    if not lacks_pool(*parse(f"hugepages 2M {POOL}")):
        kinds += [hugetlb_programs(), shared_pmd_programs()]
    kinds *= _SELDOM
    if not lacks_pool(*parse("hugepages 1G 1")):
        kinds.append(gigantic_programs())

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @hypothesis.given(st.one_of(kinds) if kernel.like_the_recordings else programs())
    def agree(program: str) -> None:
        if not lacks_pool(*parse(program)):  # somebody may have begun to use the pool meanwhile
            after_each(attempt(recorder, kernel, program))

    try:
        agree()
    except Disagreement as found:
        raise _with_fewer_lines(recorder, kernel, found) from None


def _with_fewer_lines(recorder: Recorder, kernel: Kernel, found: Disagreement) -> Disagreement:
    """Hypothesis gives up on a shrink in time; lines that do not matter may be left."""
    lines = found.program.splitlines()
    for number in reversed(range(len(lines))):
        fewer = lines[:number] + lines[number + 1 :]
        try:
            attempt(recorder, kernel, "\n".join(fewer))
        except Disagreement as smaller:
            found, lines = smaller, fewer
        except (ScenarioError, RecorderError):
            continue  # without these lines a fork lacks ops of its child
    return found


def attempt(recorder: Recorder, kernel: Kernel, program: str) -> Result:
    """Play one program on both. Raises Disagreement if they differ three times out of three.

    Not if the machine had no huge page for somebody meanwhile.
    """
    (wanted,) = parse(f"scenario random\n{program}", "random")
    scenario = beside_promises(wanted)
    rows = recorder.play(scenario)
    result = judge(scenario, kernel, rows)
    if result.differences:
        scenario, refused = beside_promises(wanted), huge_pages_refused()
        rows = recorder.record(scenario, 3)
        result = judge(scenario, kernel, rows)
        if huge_pages_refused() > refused:  # memory is in pieces: that says nothing about ptlab
            result = result._replace(differences=[])
    if result.differences:
        simulated = run(scenario, kernel.profile, kernel.scheme, kernel.levels)
        step = result.differences[0].step
        raise Disagreement(program, result, rows[step], simulated[step])
    return result


def _told(program: str, result: Result, linux: Row, simulated: Row) -> str:
    step, op = result.differences[0][:2]
    differing = [difference.field for difference in result.differences if difference.step == step]
    lines = [
        program,
        f"# op {step}, {op}: {', '.join(differing)} differ; Linux, then the simulator",
    ]
    for row in (linux, simulated):
        fields = (f"{field} {value}" for field, value in row.items() if value is not None)
        lines.append(f"# {', '.join(list(fields)[1:])}")
    return "\n".join(lines)
