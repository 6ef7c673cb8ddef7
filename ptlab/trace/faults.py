"""The page faults of traced threads, from a tracefs instance of their own. Only root may make one.

The error code of a fault tells a read from a write, which no look at an entry of a file can. Source:
Documentation/trace/ftrace.rst (instances, set_event_pid, event-fork), arch/x86/include/asm/trap_pf.h,
Linux 6.18. The instance is removed at the end. One that a killed run has left is removed by the next.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from ptlab.base.geometry import PAGE_SHIFT
from ptlab.observe.status import lives

ROOTS = tuple(map(Path, ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")))
"""Where tracefs is, if it is mounted. ptlab does not mount it."""

_EVENTS = [f"events/exceptions/page_fault_{mode}" for mode in ("user", "kernel")]
_FILTER = "address < 0x100000000000000"  # the kernel's own addresses are above
_BUFFER_KB = 4096  # for each CPU
_WRITE = 1 << 1  # X86_PF_WRITE
_FAULT = re.compile(
    rb"-(\d+) +\[\d+\][^\n]*? page_fault_\w+: address=0x([0-9a-f]+) [^\n]*error_code=0x([0-9a-f]+)"
    rb"|LOST (\d+) EVENTS"
)

Pages = dict[int, bool]
"""Pages that were faulted on (address >> 12), and whether one of the faults was a write."""


class NoTracefs(Exception):
    """tracefs is not there, or not for this user; the message says which."""


class Faults:
    """The faults of some threads, and of all that they start.

    seen  how many there were up to now
    lost  how many more the kernel had no room for
    """

    def __init__(self) -> None:
        self.seen = self.lost = 0
        self._pages: dict[int, Pages] = {}
        self._text = b""
        self._instance = _make()
        try:
            self._write("trace_clock", "mono")
            self._write("buffer_size_kb", str(_BUFFER_KB))
            self._write("options/event-fork", "1")
            self._pipe = os.open(self._instance / "trace_pipe", os.O_RDONLY | os.O_NONBLOCK)
        except BaseException:
            self._instance.rmdir()
            raise

    def follow(self, threads: Collection[int]) -> None:
        """Begin with these threads."""
        self._write("set_event_pid", " ".join(map(str, threads)))
        for event in _EVENTS:
            self._write(f"{event}/filter", _FILTER)
            self._write(f"{event}/enable", "1")

    def close(self) -> None:
        """Remove the instance."""
        os.close(self._pipe)
        self._instance.rmdir()

    def belong_to(self, thread: int, pages: Pages) -> None:
        """From now on, note the faults of this thread in `pages`; and those that it had before."""
        pages.update(self._pages.get(thread, {}))
        self._pages[thread] = pages

    def drain(self) -> None:
        """Note all faults that began before now."""
        with suppress(BlockingIOError):
            while piece := os.read(self._pipe, 1 << 16):
                self._text += piece
        whole, newline, self._text = self._text.rpartition(b"\n")
        for thread, address, code, lost in _FAULT.findall(whole + newline):
            if lost:
                self.lost += int(lost)
                continue
            self.seen += 1
            pages = self._pages.setdefault(int(thread), {})
            page = int(address, 16) >> PAGE_SHIFT
            pages[page] = pages.get(page, False) or bool(int(code, 16) & _WRITE)

    def _write(self, name: str, text: str) -> None:
        (self._instance / name).write_text(text)


def _make() -> Path:
    """A new instance, after those of processes that live no more have been removed."""
    for root in ROOTS:
        instances = root / "instances"
        try:
            for old in instances.iterdir():
                _remove_if_left(old)
            made = instances / f"ptlab-{os.getpid()}"
            made.mkdir()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise NoTracefs(
                f"{root}: {error.strerror}: page faults are shown to root only"
            ) from None
        return made
    raise NoTracefs(f"tracefs is not mounted. Root mounts it with: mount -t tracefs x {ROOTS[0]}")


def _remove_if_left(instance: Path) -> None:
    name, _, number = instance.name.partition("-")
    if name == "ptlab" and number.isdigit() and not lives(int(number)):
        with suppress(OSError):  # another run was faster
            instance.rmdir()
