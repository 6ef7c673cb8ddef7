"""What a program's accesses came to, as the paths of a page fault tell each other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple


class Touched(NamedTuple):
    """What happened to the accesses of a program.

    faults   page faults served
    refused  accesses that ended in SIGSEGV or SIGBUS
    address  the first of these
    sigbus   whether the last of these was a SIGBUS
    """

    faults: int
    refused: int = 0
    address: int = 0
    sigbus: bool = False

    def add(self, more: Touched) -> Touched:
        """This and what came after it."""
        if self is NO_FAULT:
            return more
        if not more.refused:
            if not more.faults:
                return self
            return _touched((self.faults + more.faults, self.refused, self.address, self.sigbus))
        first = self.address if self.refused else more.address
        refused = self.refused + more.refused
        return Touched(self.faults + more.faults, refused, first, more.sigbus)


_new: Any = tuple.__new__
_touched: Callable[[tuple[int, int, int, bool]], Touched] = partial(_new, Touched)


NO_FAULT = Touched(0)
"""Nothing was refused, and no page fault was needed."""
