"""Recording a process that runs already: all its threads are seized, and let go at the end.

There is no seccomp filter, so each of its system calls stops it twice. That is slower. Empty tables that
it has at the start are located by time; those that are not found make all samples differ by as much.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ptlab.observe import CannotObserve, observe
from ptlab.observe.locate import Located
from ptlab.observe.status import name, status, why_refused
from ptlab.trace import tracing
from ptlab.trace.faults import Faults
from ptlab.trace.looks import sample
from ptlab.trace.notes import Notes
from ptlab.trace.record import CannotRecord, about, fault_log, supported
from ptlab.trace.recorder import Recorder
from ptlab.trace.rows import Trace


def attach(pid: int, faults: bool = False) -> Trace:
    """Record a process until it ends or Ctrl-C is pressed here; then it runs on as before.

    Its children from now on are recorded too, and with `faults` all page faults, as by record().
    Raises CannotRecord: no such process, or ptrace or tracefs is not allowed.
    """
    supported()
    with fault_log(faults) as log:
        return _attach(pid, log)


def _attach(pid: int, log: Faults | None) -> Trace:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1]
        threads = _seize(pid)
    except (FileNotFoundError, ProcessLookupError):
        raise CannotRecord(f"process {pid}: there is none, or it has ended") from None
    except PermissionError:
        raise CannotRecord(f"process {pid} ({name(pid)}) {_why(pid)}") from None
    notes = Notes()
    recorder = Recorder(notes, True, log)
    try:
        if log is not None:
            log.follow(threads)
        stopped = _stop(threads)
        if stopped:
            recorder.begins(pid, set(stopped), _empty_tables(pid))
        for tid, signal in stopped.items():
            tracing.go(tid, signal, to_next_call=True)
        with suppress(KeyboardInterrupt):
            recorder.run()
    finally:
        _let_go(recorder)
    return Trace(notes.rows(), about(command, "ptrace of a running process", log))


def _why(pid: int) -> str:
    """Why ptrace is not allowed, as the end of a sentence."""
    try:
        fields = status(pid)
        if fields["State"].startswith("Z"):
            return "has ended (a zombie)"
        if tracer := int(fields["TracerPid"]):
            return f"is traced already, by process {tracer} ({name(tracer)})"
        if pid == os.getpid():
            return "is this one, and no process can trace itself"
        return f"{why_refused(pid, to_trace=True)} trace it"
    except OSError:
        return "has ended meanwhile"


def _empty_tables(pid: int) -> Located | None:
    """The process's empty PTE pages, as far as they can be located by time."""
    try:
        return observe(pid, locate=True).located
    except CannotObserve:
        return None


def _seize(pid: int) -> set[int]:
    """Trace all threads. New ones may come meanwhile, so look until there is none."""
    threads: set[int] = set()
    while True:
        new = {int(tid) for tid in os.listdir(f"/proc/{pid}/task")} - threads
        if not new:
            return threads
        for tid in new:
            with suppress(ProcessLookupError):
                tracing.seize(tid, tracing.OPTIONS)
        threads |= new


def _stop(threads: set[int]) -> dict[int, int]:
    """Stop these threads. Each that lives, with the signal that it is to get when it goes on."""
    stopped: dict[int, int] = {}
    for tid in threads:
        with suppress(ProcessLookupError):
            tracing.interrupt(tid)
    for tid in threads:
        with suppress(ChildProcessError):
            _, status = os.waitpid(tid, tracing.WAIT)
            if os.WIFSTOPPED(status):
                plain = status >> 16 or os.WSTOPSIG(status) & 0x80
                stopped[tid] = 0 if plain else os.WSTOPSIG(status)
    return stopped


def _let_go(recorder: Recorder) -> None:
    """A last sample of each process, then all threads run on without a tracer."""
    waiting = recorder.waiting()
    stopped = {**dict.fromkeys(waiting, 0), **_stop(recorder.threads - waiting)}
    for space in {space.who: space for space in recorder.spaces.values()}.values():
        with suppress(ProcessLookupError, FileNotFoundError, PermissionError):
            sample(recorder.notes, space, stopped=True)
        space.close()
    for tid, signal in stopped.items():
        tracing.detach(tid, signal)
