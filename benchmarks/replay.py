"""Replays against the programs themselves: CPU time for the same memory calls and page faults.

python -m benchmarks.replay

Each program runs alone once, for its CPU time; then it is recorded, and the recording played under
pt_reclaim. An event is a memory call, or a page that was faulted in. Linux 6.7 or newer.
"""

import resource
import subprocess
import sys
from statistics import median

from benchmarks.measure import machine, spread, timed
from ptlab.base.geometry import PAGE_SHIFT
from ptlab.trace.playing import play
from ptlab.trace.record import record
from ptlab.trace.rows import Op, Trace

ROUNDS = 5
_ANONYMOUS = """
import mmap
MiB = 1 << 20
for _ in range(400):
    m = mmap.mmap(-1, 8 * MiB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    m.madvise(mmap.MADV_NOHUGEPAGE)
    m[::4096] = bytes(2048)
    m.madvise(mmap.MADV_DONTNEED, 0, 4 * MiB)
    m.close()
"""
_SHARED = """
import mmap, os
MiB = 1 << 20
m = mmap.mmap(-1, 64 * MiB)
for _ in range(8):
    pid = os.fork()
    if not pid:
        m[::8192] = bytes(8192)
        os._exit(0)
    os.waitpid(pid, 0)
"""
_SCATTERED = """
import mmap
MiB = 1 << 20
for n in range(300):
    m = mmap.mmap(-1, 8 * MiB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    m.madvise(mmap.MADV_NOHUGEPAGE)
    for at in range(0, 2048, 1 + n % 7):
        if at * at % 11 < 6:
            m[at * 4096] = 1
    m.close()
"""
PROGRAMS = {
    "anonymous memory, page after page": (_ANONYMOUS, 1_000_000),
    "anonymous memory, here and there": (_SCATTERED, 1_000_000),
    "shared memory of eight children": (_SHARED, 200_000),
}
"""What each program does, and how many events a second are the aim."""


def main() -> None:
    """Each program: its own CPU time, that of its replay, and events a second."""
    for name, (program, aim) in PROGRAMS.items():
        command = [sys.executable, "-S", "-E", "-c", program]
        own = [_own(command) for _ in range(ROUNDS)]
        trace = record(command)
        replayed = [timed(lambda trace=trace: play(trace, "pt_reclaim"))[1].cpu for _ in own]
        events = _events(trace)
        rate = events / median(replayed)
        print(
            f"{name}: {events:,} events, {rate:,.0f} a second ({rate / aim:.2f} of the aim {aim:,})\n"
            f"  the replay takes {median(replayed) / median(own):.2f} times the program's CPU time\n"
            f"  program {spread(own, '.2f')} s, replay {spread(replayed, '.2f')} s",
            flush=True,
        )


def _own(command: list[str]) -> float:
    """CPU seconds of the program, its children and the kernel for them."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _events(trace: Trace) -> int:
    """Memory calls, and pages that came."""
    touched = trace.rows[trace.rows["op"] == Op.TOUCH]
    return trace.calls + int(touched["length"].sum() >> PAGE_SHIFT)


if __name__ == "__main__":
    print(machine(), flush=True)
    main()
