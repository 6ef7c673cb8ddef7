"""vfork and exec: whose an address space is. What Linux does is in O_vfork_* and O_exec_*."""

import pytest

from ptlab import KiB, MiB, Process
from ptlab.kernels.live import Recorder, RecorderError
from ptlab.scenario import parse


@pytest.fixture
def parent():
    p = Process("pt_reclaim")
    p.touch(p.mmap(2 * MiB, at=1 << 44), 8 * KiB)
    return p


def test_the_memory_goes_with_its_last_user(parent):
    child = parent.vfork()
    child.touch(1 << 44, 64 * KiB)
    child.exit()
    assert parent.counters.present == 16
    parent.exit()
    assert parent.machine.mms == ()
    for call in (child.fork, parent.fork):
        with pytest.raises(ValueError, match="this process has exited"):
            call()


def test_exec_of_a_vfork_child_leaves_the_parent_its_memory(parent):
    child = parent.vfork()
    child.exec()
    assert (child.counters.vmpte_kb, child.counters.vmas, parent.counters.present) == (0, 0, 2)
    child.touch(child.mmap(2 * MiB, at=1 << 44), 4 * KiB)
    assert (child.counters.present, parent.counters.present) == (1, 2)
    for process in (parent, child):
        process.check()


def test_exec_takes_the_old_memory_down_and_time_goes_back_over_it(parent):
    old = parent.mm
    parent.exec()
    assert old not in parent.machine.mms and parent.counters.vmpte_kb == 0
    parent.journal.seek(0)
    assert parent.machine.mms == (old,)
    parent.journal.seek(len(parent.journal.steps))
    assert parent.machine.mms == (parent.mm,)
    parent.check()


def test_an_exec_in_the_child_of_a_vfork_is_not_recorded(here):
    (scenario,) = parse("vfork 2\nnop\nexec\nnop")
    with pytest.raises(RecorderError, match="an exec in the child of a vfork cannot be recorded"):
        here[0].play(scenario)
    assert isinstance(here[0], Recorder)
