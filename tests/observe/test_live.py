"""A live observation shows what changed, and says when there is nothing more to see."""

import time

import pytest

from ptlab.observe import CannotObserve, observe
from ptlab.observe.live import Live


def until(true):
    for _ in range(200):
        if true():
            return True
        time.sleep(0.02)
    return False


def test_it_follows_the_process_to_its_end(child):
    live = Live(lambda: observe(child.pid), seconds=0.02)
    before = live.seen.vmpte_kb
    child("m = mmap.mmap(-1, 64 * MiB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)")
    child("m.madvise(mmap.MADV_NOHUGEPAGE)")
    child("for at in range(0, 64 * MiB, 2 * MiB): m[at] = 1")
    assert until(lambda: live.seen.vmpte_kb >= before + 32 * 4)
    assert until(lambda: f"{live.seen.vmpte_kb} kB" in live.widget.value)
    child.process.kill()
    assert until(lambda: "No further looks: process" in live.widget.value)
    live.stop()


def test_it_needs_a_process_to_look_at():
    with pytest.raises(CannotObserve):
        observe(4194999, live=True)
