"""The kernel that runs the notebook: what its processes have, and what it does with a program."""

from __future__ import annotations

from pathlib import Path

from ptlab import scenario
from ptlab.base.geometry import PTRS_PER_TABLE
from ptlab.kernels.live import Kernel, Recorder, this_kernel

_WANTED = "VmSize", "VmRSS", "VmPTE"


def status(pid: int | str = "self") -> dict[str, int | str]:
    """VmSize, VmRSS and VmPTE of a process in kB, and its Name; {} where they cannot be read.

    Source: Documentation/filesystems/proc.rst, /proc/PID/status.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux, or the process is gone
        return {}
    fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    if "VmPTE" not in fields:  # a thread of the kernel
        return {}
    return {"Name": fields["Name"], **{name: int(fields[name].split()[0]) for name in _WANTED}}


def packed_kb(data_kb: int) -> int:
    """kB of PTE pages for `data_kb` of data without gaps: one 512th of it, rounded up."""
    return -(-data_kb // PTRS_PER_TABLE)


def on_this_kernel(program: str) -> list[int]:
    """VmPTE in kB after each line of `program`, in a new process on the kernel that is running.

    NoKernel or RecorderError, of ptlab.kernels.live, if it cannot be measured; they say why.
    """
    (parsed,) = scenario.parse(program)
    with Recorder() as recorder:
        return [row["pte_kb"] for row in recorder.play(parsed)]


def kernel_here() -> Kernel:
    """The kernel that is running: its release, the profile that models it, and its scheme.

    NoKernel, of ptlab.kernels.live, if it cannot be measured.
    """
    with Recorder() as recorder:
        return this_kernel(recorder)
