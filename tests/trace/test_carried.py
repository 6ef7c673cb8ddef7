"""The carried recordings: the simulator and the kernel that was recorded agree."""

import pytest

from ptlab.trace.carried import CARRIED, OLDER, carried
from ptlab.trace.drops import dropped
from ptlab.trace.replay import replay


@pytest.mark.parametrize("name", CARRIED)
def test_the_simulated_vmpte_is_the_real_one(name):
    trace = carried(name)
    played = replay(trace, "pt_reclaim", parallel=False)
    assert trace.about["kernel"].startswith("6.18.")
    assert played.equal(played[0]) >= 0.999 * trace.samples > 15
    assert not played[0].trouble


@pytest.mark.parametrize("name", OLDER)
def test_a_kernel_without_pt_reclaim_agrees_with_unmap_only(name):
    trace = carried(name)
    plain, reclaim = replay(name, "unmap_only", "pt_reclaim", parallel=False)
    played = replay(trace, "unmap_only")
    assert trace.about["kernel"].startswith("6.12.")
    assert played.equal(plain) == trace.samples >= 20
    assert played.equal(reclaim) < trace.samples
    assert not plain.trouble


def test_another_design_does_not_agree():
    trace = carried("huge-pages")
    played = replay(trace, "unmap_only")
    assert played.equal(played[0]) < trace.samples


def test_programs_almost_never_drop_a_whole_2_mib_at_once():
    """So PT_RECLAIM finds little to free. The program with huge pages does it on purpose."""
    calls = whole = 0
    for name in CARRIED.keys() - {"huge-pages"}:
        drops = dropped(carried(name))
        calls, whole = calls + len(drops), whole + int((drops["whole"] > 0).sum())
    assert calls > 9000
    assert whole <= 10


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="did you mean jemalloc"):
        carried("jemaloc")
