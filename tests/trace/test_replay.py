"""What the simulator makes of a recorded program."""

import platform
import sys

import numpy as np
import pytest

import ptlab
from ptlab.costs.meter import Meter
from ptlab.state.vma import VM
from ptlab.trace.playing import process_at
from ptlab.trace.record import record
from ptlab.trace.rows import ROW, Op, Trace

AT, MiB = 1 << 30, 1 << 20
TABLES_KB = 4


@pytest.fixture(scope="module")
def played(trace):
    return ptlab.replay(trace, "unmap_only", "pte_refcount", "pt_reclaim", parallel=False)


def test_the_real_vmpte_is_what_the_kernels_own_design_says(played):
    real = {"pt_reclaim": _has_pt_reclaim(), "unmap_only": not _has_pt_reclaim()}
    for one in played:
        if real.get(one.scheme):
            assert played.equal(one) == len(played.real) > 3
        assert not one.trouble


def _has_pt_reclaim():
    """Whether the recorded kernel frees tables in madvise()."""
    return tuple(map(int, platform.release().split("-")[0].split(".")[:2])) >= (6, 14)


def test_designs_differ_by_what_they_free(played):
    samples = played.trace.rows[played.trace.rows["op"] == Op.SAMPLE]
    none, counted, reclaim = (one.low[samples["who"] == 0] for one in played)
    # 16 PTE pages by one call, 16 more by calls of 1 MiB each
    assert (none - reclaim).max() == 16 * TABLES_KB
    assert (none - counted).max() == 32 * TABLES_KB


def test_calls_of_several_threads_are_in_the_order_in_which_the_kernel_ran_them(played):
    """Else a mapping would be made before the one goes that was there, and its pages be missed."""
    maps = played.trace.rows[played.trace.rows["op"] == Op.MAP]
    assert (maps["length"] == 3 << 20).sum() >= 120
    assert not any(one.trouble for one in played)


def test_a_sample_is_compared_with_what_was_in_flight():
    """The entries may have come before VmPTE was read, or after."""
    rows = np.zeros(5, ROW)
    rows["op"] = [Op.EXEC, Op.MAP, Op.SAMPLE, Op.TOUCH, Op.SAMPLE]
    rows["at"], rows["length"] = 1 << 30, 1 << 21
    rows["x"] = [0, 3, 12, 0, 4]
    rows["y"] = [0, 0x20, 3, 0, 4]
    played = ptlab.replay(Trace(rows), "unmap_only")
    one = played[0]
    assert (one.low.tolist(), one.high.tolist()) == ([0, 12], [12, 12])
    assert played.equal(one) == 1  # 12 kB was possible at the first; 4 kB was not at the second


def test_a_design_costs_in_a_replay_what_its_calls_cost_anywhere():
    rows = np.zeros(4, ROW)
    rows["op"] = [Op.EXEC, Op.MAP, Op.TOUCH, Op.ADVISE]
    rows["at"], rows["length"], rows["x"], rows["y"] = AT, 4 << 20, [0, 3, 0, 4], 0x20
    played = ptlab.replay(Trace(rows), "unmap_only", "pte_refcount")
    for one in played:
        process = ptlab.Process(one.scheme, kernel="6.18", record=False)
        meter = Meter(process)
        process.mmap(4 << 20, at=AT)
        process.touch(AT, 4 << 20)
        process.madvise(AT, "DONTNEED", 4 << 20)
        process.background()
        assert one.costs == meter.finish()
    assert played[1].costs.atomics_local > played[0].costs.atomics_local > 0
    assert "local atomics" in played.sentences()["pte_refcount"]


def test_what_cannot_be_played_is_counted_and_said():
    rows = np.zeros(3, ROW)
    rows["op"] = [Op.EXEC, Op.UNKNOWN, Op.TOUCH]
    rows["x"] = [0, 323, 0]
    rows["length"] = 4096
    played = ptlab.replay(Trace(rows), "unmap_only")
    assert played[0].trouble == {"UNKNOWN: userfaultfd": 1, "TOUCH: SIGSEGV or SIGBUS": 1}
    assert "1 x UNKNOWN: userfaultfd" in " ".join(str(played).split())


def test_locked_memory_keeps_its_pages(recorded):
    """MLOCK_ONFAULT brings none, MAP_LOCKED and MCL_FUTURE bring all, and DONTNEED is refused."""
    program = """
import ctypes, mmap, time
from contextlib import suppress
MiB, PRIVATE = 1 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
libc = ctypes.CDLL(None)
libc.mlock2.argtypes = [ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
lazy = mmap.mmap(-1, 2 * MiB, PRIVATE)
libc.mlock2(ctypes.addressof(ctypes.c_char.from_buffer(lazy)), 2 * MiB, 1)
def dropped(one):
    with suppress(OSError): one.madvise(mmap.MADV_DONTNEED)
    time.sleep(0.02)
dropped(lazy)
fixed = mmap.mmap(-1, 4 * MiB, PRIVATE | 0x2000)
dropped(fixed)
fixed.close()
libc.mlockall(2)
later = mmap.mmap(-1, 4 * MiB, PRIVATE)
dropped(later)
libc.munlockall()
later.madvise(mmap.MADV_DONTNEED)
time.sleep(0.02)
"""
    trace = record([sys.executable, "-S", "-c", program])
    locked = trace.rows["x"][trace.rows["op"] == Op.LOCKALL].tolist()
    assert locked in ([2, 0], [0])  # a limit of 0 bytes forbids the first
    played = ptlab.replay(trace, "pt_reclaim" if _has_pt_reclaim() else "unmap_only")
    assert played.equal(played[0]) == trace.samples
    assert not played[0].trouble
    rows = trace.rows
    fixed = rows["clock"][(rows["op"] == Op.UNMAP) & (rows["length"] == 4 * MiB)][0]
    end = rows["clock"][rows["op"] == Op.LOCKALL][-1]
    for moment in (fixed, end)[: len(locked)]:
        vmas = process_at(trace, (moment - 1) / 1e9).mm.vmas
        assert 6 * MiB <= sum(vma.end - vma.start for vma in vmas if vma.flags & VM.LOCKED)


def test_a_moment_of_a_trace_is_a_process_to_step_through(trace):
    rows = trace.rows
    drop = rows[(rows["op"] == Op.ADVISE) & (rows["length"] == 32 << 20)][0]
    process = process_at(trace, (int(drop["clock"]) - 1) / 1e9)
    before = process.counters.pte
    process.madvise(int(drop["at"]), "DONTNEED", 32 << 20)
    assert process.counters.pte == before - 16
    assert "try_get_and_clear_pmd" in str(ptlab.Story(process))
    with pytest.raises(ValueError, match=r"process 7 does not live at 0\.1 s; these do: 0"):
        process_at(trace, 0.1, who=7)


def test_a_carried_recording_has_a_name_and_a_picture():
    played = ptlab.replay("redis", "unmap_only", "pt_reclaim")
    shown = played._repr_html_()
    assert "peak 256 kB, end 252 kB" in shown
    assert f"{played.trace.samples} of {played.trace.samples}" in shown
    assert "4 kB less than if only munmap frees tables" in shown
