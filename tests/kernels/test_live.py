"""The kernel that is running: what it is, and whether the simulator agrees with it, op for op."""

import pytest

from ptlab.kernels import live
from ptlab.kernels.judge import judge
from ptlab.kernels.live import Kernel, needs_huge_pages, why_not
from ptlab.scenario import find, parse
from ptlab.scenario.builtin import builtin

FULL_SIZE = ("cover-letter", "I04_cover_50G", "P_mix_pg_shared_buffers")  # they take long


@pytest.mark.parametrize("name", [name for name in builtin() if name not in FULL_SIZE])
def test_every_op_agrees_with_this_kernel(here, name):
    recorder, kernel = here
    scenario = find(name)
    if reason := why_not(scenario, kernel):
        pytest.skip(reason)
    result = judge(scenario, kernel, recorder.play(scenario))
    assert result.differences == []
    assert result.unsupported is None


@pytest.mark.parametrize(
    ("release", "profile"),
    [("6.1.0-56-amd64", "6.1"), ("6.6.87.2-WSL2", "6.1"), ("6.18.44", "6.18"), ("7.10.1", "7.3")],
)
def test_the_nearest_profile_that_is_not_newer_is_chosen(here, monkeypatch, release, profile):
    monkeypatch.setattr(live.platform, "release", lambda: release)
    assert live.this_kernel(here[0]).profile == profile


def test_which_scenarios_depend_on_the_settings_of_huge_pages():
    def needs(text):
        return needs_huge_pages(parse(text)[0])

    assert needs("mmap s0 2M thp")
    assert needs("mmap s0 2M keepthp")
    assert needs("mmap s0 2M\nmadvise COLLAPSE s0 2M")
    assert not needs("mmap s0 2M populate\nmadvise NOHUGEPAGE s0 2M")


def test_a_kernel_like_the_recordings_has_huge_pages_on_request_only():
    kernel = Kernel("6.18.44", "6.18", "6.18", "pt_reclaim", 4, "madvise", "never")
    assert kernel.like_the_recordings
    assert not kernel._replace(shmem_thp="advise").like_the_recordings
