"""Break one rule of the simulator after the other, and see whether `ptlab fuzz` would have noticed.

Each mutant breaks a rule that the simulator once did not have. The random programs of `ptlab fuzz` are
played on the simulator as it is, which agrees with Linux, and on the mutant, until a row differs. Run it
with `make fuzz-mutants`; the program that is kept with each mutant shows the rule in a few lines.
"""

from __future__ import annotations

import sys
from typing import Any
from unittest.mock import patch

import hypothesis
from hypothesis import HealthCheck, Phase

from benchmarks import broken_calls, broken_huge_pages
from benchmarks.broken_huge_pages import Mutant
from ptlab.kernels.fuzz import BATCH
from ptlab.scenario import parse, run

MOST = 2000
"""Random programs that are tried of a mutant."""

MUTANTS: tuple[Mutant, ...] = (*broken_huge_pages.MUTANTS, *broken_calls.MUTANTS)


class Noticed(Exception):
    """A program on which the mutant is seen."""


def rows(program: str) -> list[dict[str, Any]]:
    """What the simulator does in a program, and "unsupported" where it breaks off."""
    (scenario,) = parse(f"scenario random\n{program}", "random")
    return run(scenario, kernel="6.18")


def differs(mutant: Mutant, program: str) -> bool:
    """Whether a row of the program is another one on the mutant."""
    expected = rows(program)
    with patch.object(mutant.owner, mutant.name, mutant.broken):
        try:
            return rows(program) != expected
        except (AssertionError, IndexError, KeyError, TypeError):
            return True  # the broken rule leaves a state that no path can go on with


def programs_until_found(mutant: Mutant) -> int | None:
    """How many random programs it takes to notice the mutant; None if MOST do not."""
    tried = 0

    @hypothesis.settings(
        max_examples=BATCH,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(mutant.programs)
    def agree(program: str) -> None:
        nonlocal tried
        tried += 1
        if differs(mutant, program):
            raise Noticed

    try:
        for seed in range(MOST // BATCH):
            hypothesis.seed(seed)(agree)()
    except (Noticed, hypothesis.errors.Flaky):
        return tried
    return None


def main() -> int:
    """Print one line for each mutant; the exit status is 1 if one is not noticed."""
    missed = 0
    for mutant in MUTANTS:
        found = programs_until_found(mutant)
        missed += found is None
        print(f"{mutant.kind:50} {found or 'NOT FOUND'}", flush=True)
    print(f"{len(MUTANTS)} mutants, {missed} not found in {MOST} programs each")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
