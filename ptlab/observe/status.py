"""What everybody may read of a process: its status, its name, and why the rest is refused."""

from __future__ import annotations

import os
from pathlib import Path


def status(pid: int) -> dict[str, str]:
    """The fields of /proc/PID/status. OSError: there is no such process, or it is hidden."""
    lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    fields = (line.partition(":") for line in lines)
    return {name: value.strip() for name, _, value in fields}


def name(pid: int) -> str:
    """The name of its program, "?" if it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except OSError:
        return "?"


def lives(pid: int) -> bool:
    """Whether there is such a process; a zombie is one too."""
    return Path(f"/proc/{pid}").exists()


def why_refused(pid: int, to_trace: bool = False) -> str:
    """Why the kernel does not let this process look at that one, or trace it: the end of a sentence.

    Source: __ptrace_may_access in kernel/ptrace.c, Linux 6.18: the user must be the same, and the
    process dumpable, without capabilities that the one who looks lacks. Yama (security/yama) may
    forbid tracing besides. OSError: there is no such process.
    """
    others = {int(uid) for uid in status(pid)["Uid"].split()[:3]} - {os.geteuid()}
    if others:
        return f"belongs to user {_user(min(others))}: only root may"
    yama = ", or kernel.yama.ptrace_scope forbids it" if to_trace else ""
    return (
        "protects itself: it is not dumpable (PR_SET_DUMPABLE, as in a sandbox) or has capabilities"
        f"{yama}. Only root may"
    )


def _user(uid: int) -> str:
    """A user's name, or the number if it has none here."""
    from pwd import getpwuid  # Windows has none, and ptlab is imported there too

    try:
        return getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
