"""Each operation of the language: one class with all that is said of it, and a page that says it."""

from pathlib import Path

import pytest

from ptlab.kernels.live import beside_promises, lacks_pool
from ptlab.scenario import parse, run
from ptlab.scenario.operations import OPERATIONS

PAGE = (Path(__file__).parents[2] / "docs" / "scenario_language.md").read_text()


@pytest.mark.parametrize("verb", OPERATIONS)
def test_its_example_uses_it_and_succeeds(verb):
    (scenario,) = parse(OPERATIONS[verb].example)
    assert verb in [op.verb for op in scenario.ops]
    for row in run(scenario):
        assert "unsupported" not in row
        assert (row["rc"], row["err"], row["sig"]) == (0, None, 0)


@pytest.mark.parametrize("verb", OPERATIONS)
def test_a_kernel_takes_its_example_as_the_simulator_does(verb, here):
    recorder, kernel = here
    (scenario,) = parse(OPERATIONS[verb].example)
    if reason := lacks_pool(scenario):
        pytest.skip(reason)
    scenario = beside_promises(scenario)
    recorded = recorder.play(scenario)
    simulated = run(scenario, kernel.profile, kernel.scheme, kernel.levels)
    for field in ("op", "who", "pte_kb", "rss_kb", "vmas", "present", "rc", "err", "sig"):
        assert [row[field] for row in recorded] == [row[field] for row in simulated], field


@pytest.mark.parametrize("verb", OPERATIONS)
def test_the_page_of_the_language_says_what_it_says(verb):
    operation = OPERATIONS[verb]
    entry = PAGE.partition(f"### `{verb}`\n")[2].partition("\n### ")[0]
    assert operation.usage.split()[0] == verb
    for part in (operation.meaning, operation.usage, operation.example):
        assert part in entry


def test_the_page_has_no_other_operations():
    assert [line[5:-1] for line in PAGE.splitlines() if line.startswith("### ")] == [*OPERATIONS]
