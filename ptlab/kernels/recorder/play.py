"""One process that plays one scenario, and a row of readings after every op."""

from __future__ import annotations

import errno
import json
import mmap
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from . import proc
from .calls import MCL_CURRENT, PAGE, PR_SET_PDEATHSIG
from .doer import MAP_FIXED_NOREPLACE, Doer

Op = dict[str, Any]
"""An operation: its text, its calls, and the addresses at which they are made."""

_ROOM = 1 << 19  # what the heap keeps free for the objects of a reading
_OK = (0, 0)
_OWN_PLACE = proc.SLOTS.start - (1 << 40)  # no table there is also a slot's
ANYWHERE = "the kernel chooses an address"


class Recorder:
    """The process. A forked child goes on with a copy of this object."""

    def __init__(self, watch: list[tuple[int, int]], directory: str, calls: set[str]) -> None:
        """Put all own memory in place and read what the process needs without any scenario.

        `calls` are the names of the calls that the scenario makes, and perhaps ANYWHERE.
        """
        self._doer = Doer(watch, directory)
        self._calls, self._pid = calls, os.getpid()
        if ANYWHERE in calls:
            self._doer.close_gaps()
        self._zero_pfn = self._find_zero_pfn()
        self._who = "p"
        self._sleepers: list[int] = []
        bytes(_ROOM)  # taken and given back: malloc keeps it
        self._own = list(proc.own_memory())
        self._base = 0
        self._settle()
        if "mlockall" in calls:  # what no advice reaches must not fault later either
            self._doer.calls.mlockall(MCL_CURRENT)
            self._doer.calls.munlockall()
        self._row(
            "nop", -1, errno.ENOSYS, 0
        )  # a rehearsal, so that later nothing happens for the first time
        if calls & {"fork", "fork_sleepers"}:
            self._child_base = self._find_child_base()
            self._settle()
        self._base = proc.vmpte()

    def play(self, ops: list[Op]) -> None:
        """Do some ops. Each writes a row, `fork` one for the child and what the child does too."""
        index = 0
        while index < len(ops):
            op = ops[index]
            index += 1
            match op["calls"]:
                case [["fork", count]]:
                    self._fork(op["text"], ops[index : index + count])
                    index += count
                case [["vfork", count]]:
                    self._vfork(op["text"], ops[index : index + count])
                    index += count
                case [["exec"]]:
                    self._exec(op["text"], ops[index:])
                case [["fork_sleepers", children, count]]:
                    self._fork_sleepers(op["text"], children, ops[index : index + count])
                    index += count
                    write_line(self._row(op["text"], *_OK, faults=0))
                case [["end_sleepers"]]:
                    write_line(self._measure(op, self._end_sleepers))
                case _:
                    write_line(self._measure(op, partial(self._doer.do, op)))

    def drift(self) -> int:
        """By how many kB the recorder itself has grown, once the scenario's memory is gone.

        Sealed memory does not go, so that nothing can be said then: 0.
        """
        try:
            self._doer.calls.munmap(proc.SLOTS.start, len(proc.SLOTS))
        except PermissionError:
            return 0
        return proc.vmpte() - self._base

    def _measure(self, op: Op, do: Callable[[], None]) -> dict[str, Any]:
        self._doer.refused = 0
        rc, error = _OK
        faults = proc.minor_faults()
        try:
            do()
        except OSError as failure:
            rc, error = -1, failure.errno or 0
        faults = proc.minor_faults() - faults
        return self._row(op["text"], rc, error, faults)

    def _row(self, text: str, rc: int, error: int, faults: int) -> dict[str, Any]:
        address, write = self._doer.last_refused
        status = proc.status()
        entries = proc.pagemap(self._doer.watch, self._zero_pfn)
        sizes, vma = proc.smaps(address)
        if self._doer.refused:
            rc, error = -1, _why_refused(vma, address, write)
        return {
            "op": text,
            "who": self._who,
            **dict.fromkeys(("pud", "pmd", "pte")),  # the kernel gives a process the sum only
            "pte_kb": status["VmPTE"] - self._base,
            **sizes,
            "hugetlb_kb": status["HugetlbPages"],
            "minflt": faults,
            **entries,
            "rc": rc,
            "err": errno.errorcode[error] if error else None,
            "sig": self._doer.refused,
        }

    # -- forks: the interpreter's own faults after them say nothing --

    def _fork(self, text: str, ops: list[Op]) -> None:
        self._doer.refused = 0
        child = os.fork()
        if not child:
            self._child(text, ops)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            raise ChildProcessError(f"the child of {text!r} ended with status {status}")
        self._settle()
        write_line(self._row("(parent after child exit)", *_OK, faults=0))

    def _child(self, text: str, ops: list[Op]) -> None:
        """The rows of a child: one for the fork, and those of its ops."""
        self._who, self._base, self._sleepers = "c", self._child_base, []
        self._settle()
        write_line(self._row(text, *_OK, faults=0))
        self.play(ops)

    def _vfork(self, text: str, ops: list[Op]) -> None:
        """A child in this very memory, on a stack of its own, while this task waits for its end."""
        self._doer.refused = 0
        parent, me = self._who, self._sleepers

        def child() -> int:  # it must return: the interpreter's frames are the parent's too
            try:
                self._who = "c"
                write_line(self._row(text, *_OK, faults=0))
                self.play(ops)
            except BaseException:
                sys.excepthook(*sys.exc_info())
                return 1
            return 0

        number = self._doer.calls.vfork(child)
        _, status = os.waitpid(number, 0)
        self._who, self._sleepers, self._doer.refused = parent, me, 0
        if status:
            raise ChildProcessError(f"the child of {text!r} ended with status {status}")
        write_line(self._row("(parent after child exit)", *_OK, faults=0))

    def _exec(self, text: str, ops: list[Op]) -> None:
        """This program again, in new memory; it goes on where this one was."""
        task = {
            "ops": ops,
            "text": text,
            "who": self._who,
            "watch": self._doer.watch,
            "directory": self._doer.directory,
            "calls": sorted(self._calls),
            "drift": os.getpid() == self._pid,
        }
        file = os.memfd_create("task", 0)  # it outlives the exec
        os.write(file, json.dumps(task).encode())
        os.lseek(file, 0, os.SEEK_SET)
        os.execv(sys.executable, [sys.executable, "-P", "-S", "-m", "recorder", str(file)])

    def go_on(self, text: str, who: str, ops: list[Op]) -> None:
        """After an exec."""
        self._who = who
        write_line(self._row(text, *_OK, faults=0))
        self.play(ops)

    def _fork_sleepers(self, text: str, children: int, ops: list[Op]) -> None:
        self._doer.refused = 0
        self._sleepers = []
        for _ in range(children):
            down, up = os.pipe()
            child = os.fork()
            if not child:
                # The child must not outlive the parent.
                self._doer.calls.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                if ops:
                    self._child(text, ops)
                os.write(up, b".")
                while True:
                    signal.pause()
            os.close(up)
            asleep = os.read(down, 1)
            os.close(down)
            if not asleep:
                raise ChildProcessError(f"a child of {text!r} ended before it slept")
            self._sleepers.append(child)
        self._settle()

    def _end_sleepers(self) -> None:
        if not self._sleepers:
            raise ProcessLookupError(errno.ESRCH, "endfork: there is no forkbg to end")
        for child in self._sleepers:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self._sleepers = []

    def _settle(self) -> None:
        """Fault in all memory of the interpreter, and undo copy-on-write after a fork.

        A CPU may still know a page as read-only, and would fault on the first write: populating
        flushes nothing. To unmap more pages than are flushed one by one (33) flushes everything.
        """
        calls = self._doer.calls
        for start, length, advice in self._own:
            calls.madvise(start, length, advice)
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE | MAP_FIXED_NOREPLACE
        rights = mmap.PROT_READ | mmap.PROT_WRITE
        calls.munmap(calls.mmap(_OWN_PLACE, 64 * PAGE, rights, private, -1, 0), 64 * PAGE)

    def _find_child_base(self) -> int:
        """VmPTE of a forked child without any scenario."""
        down, up = os.pipe()
        if not os.fork():
            self._settle()
            os.write(up, b"%d" % proc.vmpte())
            os._exit(0)
        os.wait()
        base = int(os.read(down, 99))
        os.close(down)
        os.close(up)
        return base

    def _find_zero_pfn(self) -> int:
        """The zero page's frame; 0 if this user may not know it."""
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        area = self._doer.calls.mmap(0, PAGE, mmap.PROT_READ, private, -1, 0)
        self._doer.touch(0, False, area, PAGE, PAGE)
        pfn = proc.pfn(area)
        self._doer.calls.munmap(area, PAGE)
        return pfn


def _why_refused(vma: bytes, address: int, write: bool) -> int:
    """EIO for SIGBUS (a file's mapping, beyond its end), EFAULT for SIGSEGV."""
    if not vma:
        return errno.EFAULT
    rights, _, _, inode = vma.split()[1:5]
    allowed = (b"w" if write else b"r") in rights
    return errno.EIO if allowed and inode != b"0" and not proc.guarded(address) else errno.EFAULT


def write_line(value: dict[str, Any]) -> None:
    """Write JSON to stdout, past Python's buffers: a forked child must not write them again."""
    line = json.dumps(value).encode() + b"\n"
    while line:
        line = line[os.write(1, line) :]
