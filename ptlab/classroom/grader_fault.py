"""When the grader's own machine fails: that stops the grading of a submission and never costs points.

A box that cannot be made, memory or a processor that an answer was promised and did not get: none of
it is the student's doing. So it is an error of its own, which no judge turns into a finding.
`oom_kills` and `usage` tell such an end from one that the answer has brought about itself.

Sources: /proc/vmstat (oom_kill) and /proc/PID/schedstat (run time, time on the run queue) in
Documentation/filesystems/proc.rst and Documentation/scheduler/sched-stats.rst (Linux 6.12).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class GraderFault(Exception):
    """The grader's machine could not do its part. The message is for the teacher, with the reason."""


class Usage(NamedTuple):
    """What a process and its descendants have had so far, in seconds.

    used    of a processor
    waited  for a processor, though they could have run
    """

    used: float
    waited: float

    def starved(self, before: Usage, seconds: float) -> bool:
        """Whether they had less than half a processor in the `seconds` since `before`, and wanted more.

        Threads of one's own that wait for each other are no reason: they use all there is.
        """
        used, waited = self.used - before.used, self.waited - before.waited
        return used < seconds / 2 and waited > seconds / 4


def usage(pid: int) -> Usage:
    """Of process `pid` with all below it. Zero where the system does not say."""
    used = waited = 0.0
    try:
        import psutil  # type: ignore[import-untyped]
    except ImportError:  # such as in a browser
        return Usage(used, waited)
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error, OSError, ValueError):
                used += sum(one.cpu_times()[:4])
                waited += sum(map(_queued, Path(f"/proc/{one.pid}/task").glob("*/schedstat")))
    return Usage(used, waited)


def _queued(schedstat: Path) -> float:
    return int(schedstat.read_text().split()[1]) / 1e9


def oom_kills() -> int:
    """How many processes this system has ended because memory was out; 0 where it does not say."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/vmstat").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("oom_kill ")).split()[1])
    return 0
