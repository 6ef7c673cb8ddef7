"""Pages that lie here and there, touched together, come to the same as one after another."""

import numpy as np
import pytest

from ptlab import SCHEMES, MiB, Process, SegmentationFault
from ptlab.costs.meter import Meter
from tests.support.snapshot import check_all, outcome

PAGE = 4096


def prepared(scheme):
    """Memory with a hole, a read-only part, pages of all kinds; and what it costs from now on."""
    process = Process(scheme=scheme, grain="range", record=False)
    process.mmap(8 * MiB, at=1 << 40)
    process.munmap((1 << 40) + 3 * MiB, 5 * PAGE)
    process.mprotect((1 << 40) + 4 * MiB, "r", MiB)
    process.touch((1 << 40) + 6 * MiB, 64 * PAGE, write=False)
    process.touch((1 << 40) + 6 * MiB + 64 * PAGE, 64 * PAGE)
    process.mmap(MiB, at=(1 << 40) + 9 * MiB, shared=True)
    return process, Meter(process)


def state(process, meter):
    """All that the accesses have brought about, except which page frame is where."""
    found = outcome(process)
    for table, (*counts, words) in found["tables"].items():
        flags = {column: int(word, 16) & PAGE - 1 for column, word in words.items()}
        found["tables"][table] = (*counts, flags)
    return found, meter.finish().as_dict()


def touched(touch):
    """(page faults, accesses refused)."""
    try:
        return touch(), 0
    except SegmentationFault as error:
        return error.faults, error.refused


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_any_pages_are_touched_as_if_one_after_another(scheme, write):
    rng = np.random.default_rng(18)
    pages = ((1 << 40) >> 12) + np.flatnonzero(rng.random(11 * MiB // PAGE) < 0.3)
    together, meter = prepared(scheme)
    alone, other = prepared(scheme)
    faults, refused = touched(lambda: together.touch_pages(pages, write=write))
    each = [
        touched(lambda at=at: alone.touch(at << 12, PAGE, write=write)) for at in pages.tolist()
    ]
    assert (faults, refused) == tuple(np.sum(each, axis=0))
    assert state(together, meter) == state(alone, other)
    check_all(together)
    assert together.touch_pages(pages[:0]) == 0
