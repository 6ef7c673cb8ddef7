"""What the simulator raises: the kernel's errors with their errno, and its own limits."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable


class KernelError(OSError):
    """A system call failed. `errno` as in Linux; the message says what was and was not done."""

    @property
    def name(self) -> str:
        """The errno's name: `'EINVAL'`."""
        return errno.errorcode[self.errno or 0]


class AccessRefused(KernelError):
    """Accesses were refused. All accesses were tried, as a program that skips them would.

    faults   page faults served for the accesses that were allowed
    refused  number of refused accesses
    address  the first refused one
    """

    def __init__(self, number: int, message: str, faults: int, refused: int, address: int) -> None:
        super().__init__(number, message)
        self.faults, self.refused, self.address = faults, refused, address


class SegmentationFault(AccessRefused):
    """SIGSEGV: no VMA, one that does not allow it, or a guard page. errno is EFAULT."""


class BusError(AccessRefused):
    """SIGBUS: a mapped page beyond the end of its file. errno is EIO."""


def unknown(what: str, given: object, choices: Iterable[str], more: str = "") -> ValueError:
    """The error for a name that does not exist: what was given, the closest, and all there are."""
    names = list(choices)
    close = difflib.get_close_matches(str(given), names, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return ValueError(f"unknown {what} {given!r}{hint}: one of {', '.join(names)}{more}")


class NotModelled(Exception):
    """The simulator does not model this operation. It never guesses."""


class SchemeMistake(TypeError):
    """A design, or a scene, does what none may do. It says where, and what would be right."""


class Corruption(AssertionError):
    """`check()` found the simulated state broken; each message names the page and the rule."""
