"""The simulator against the recordings of real kernels."""

import pytest

from ptlab import scenario
from ptlab.kernels import KERNELS, recorded, replay
from ptlab.kernels.judge import compare

# Groups that this version models in full: first touch, DONTNEED, munmap, the cover letter's loop.
MODELLED = "ABCI"
FULL_SIZE = "I04_cover_50G"  # cli/test_cover_letter.py plays it under three schemes


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_op_agrees_with_the_kernel(kernel):
    results = [
        replay(trace)
        for trace in recorded(kernel)
        if trace.group[0] in MODELLED and trace.scenario != FULL_SIZE
    ]
    assert [result.differences for result in results if result.differences] == []
    assert [result.scenario for result in results if result.unsupported] == []
    assert len(results) >= 35


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_is_not_modelled_yet_is_reported_not_guessed(kernel):
    others = [trace for trace in recorded(kernel) if trace.group[0] not in MODELLED]
    for result in map(replay, others):
        assert result.differences == []


def test_a_difference_names_the_op_and_the_field():
    (trace,) = (trace for trace in recorded("6.18") if trace.scenario == "B01_dontneed_2M")
    rows = scenario.run(scenario.find(trace.scenario), kernel="6.1")  # keeps the table
    result = compare(trace, rows)
    assert result.ops == 5
    assert result.ops_that_differ == 1
    assert [(d.op, d.field, d.recorded, d.simulated) for d in result.differences] == [
        ("madvise DONTNEED s0 2M", "pte", 0, 1),
        ("madvise DONTNEED s0 2M", "pte_kb", 8, 12),
    ]


def test_an_unknown_kernel_is_refused():
    with pytest.raises(ValueError, match=r"kernel '5.4' was not recorded: there are 6.1, 6.1-la57"):
        recorded("5.4")


def test_every_recording_has_its_scenario():
    for kernel in KERNELS:
        for trace in recorded(kernel):
            played = scenario.find(trace.scenario)
            assert (played.group, played.description) == (trace.group, trace.description)
