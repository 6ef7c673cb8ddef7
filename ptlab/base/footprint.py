"""A footprint: what one segment of a task used, and how."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeAlias


class Access:
    """How a segment used an object.

    RELEASE comes with one of the others: a lock is given up that was held for reading or writing.
    So does TRY: what can be done while another task holds the lock (a trylock that fails).
    And so does LATE: what others did before is as good as if they did it after (an RCU section that
    begins after a table was handed to RCU; see ptlab.race.dpor).
    CAUSE comes with what makes a segment of another task possible, which can never come before it: the
    batch for the grace period that ends, and the end of a section that held it up.
    WAKES is for a task that sleeps in the search and reads the object: what it would do has another
    effect from now on (a put that would be the last one now).
    (Plain ints: they are fast.)
    """

    READ = 1
    WRITE = 2
    RELEASE = 4
    TRY = 8
    LATE = 16
    CAUSE = 32
    WAKES = 64


Footprint: TypeAlias = dict[Hashable, int]
"""Object (a page, a lock, a count, ...) -> Access bits."""
