"""The other tasks: what a kernel path asks about them, and reports to them. Often there are none.

A path says what it does to what others may use, and asks what they may have done meanwhile.
`Alone` answers for the usual case. While several tasks run, `ptlab.race.sanitizer` answers.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from numpy.typing import NDArray

from ptlab.base.facts import Lock
from ptlab.base.precautions import Precaution
from ptlab.base.tables import Columns, Slots, Tables


class Alone:
    """Nobody else runs: nothing is noted, and nothing has changed since a path looked."""

    several = False
    """Whether other tasks run too."""

    def lacks(self, precaution: Precaution) -> bool:
        """Whether this run leaves `precaution` out, to show what it is good for."""
        return False

    def still_hooked(self, pmd: int, slots: Slots, tables: Tables) -> bool:
        """pmd_same(): whether the entries that were read still point to the tables found there."""
        return True

    def unchanged(self, tables: Tables, columns: Columns, was: Any) -> bool:
        """vmf_pte_changed(), under the PTE lock: whether entries are still what they `was`."""
        return True

    def note(self, thing: Hashable, access: int) -> None:
        """The running task uses `thing`; `access` is made of the bits of footprint.Access."""

    def lock(self, lock: Lock, access: int) -> None:
        """A lock is taken, tried or given up."""

    def rcu_read_lock(self, task: int) -> None:
        """`task` enters an RCU read-side section."""

    def rcu_read_unlock(self, task: int) -> None:
        """`task` leaves its innermost RCU read-side section."""

    def queue(self) -> None:
        """A batch of tables is handed to RCU."""

    def dequeue(self) -> None:
        """The oldest batch is freed."""

    def freed(self, tables: Tables, waited: bool) -> None:
        """Tables go back to the allocator; `waited`: after a grace period, RCU's or a design's own."""

    def gather(self, filed: list[int]) -> list[int]:
        """A zap keeps pages of files until it has flushed; returns them."""
        return filed

    def free_gathered(self, frames: list[int], filed: list[int]) -> None:
        """A zap has flushed: what it has kept goes, a file's page if its file has dropped it."""

    def drop_frames(self, frames: list[int]) -> None:
        """A file drops these pages."""

    def folio_mapped(self, frames: NDArray[Any]) -> bool:
        """folio_mapped(): whether an entry maps one of these pages, of which all were just unmapped."""
        return False

    def smp_wmb(self) -> None:
        """What was written before is seen by other CPUs before what is written after."""

    def walk_cached(self, task: int, address: int) -> int:
        """The PTE page for `address` that the CPU of `task` has in its paging-structure cache, or 0."""
        return 0

    def pin(self, frame: int) -> None:
        """GUP takes a reference to a data page (try_grab_folio_fast())."""

    def unpin(self, frame: int) -> None:
        """GUP gives it back."""

    def keep(self, frame: int, foreign: bool) -> None:
        """GUP hands the page to its caller; `foreign`: it was found in another process's table."""

    def pinned(self, frames: list[int]) -> bool:
        """Whether another task has a reference to one of these pages (folio_ref_count())."""
        return False

    def copied(self, frames: list[int]) -> None:
        """What is in these pages is copied, and they are freed."""

    def translate(self, task: int, address: int, write: bool) -> bool:
        """Whether the TLB of `task` can do the access without the page tables."""
        return False

    def fill(self, task: int, address: int, tables: Tables, words: NDArray[Any]) -> None:
        """The MMU has walked to the first of `words` and keeps the translation."""

    def flush(self, span: tuple[int, int] | None, walks: bool) -> None:
        """All CPUs forget their translations of the addresses in `span`; None: of all.

        `walks`: they forget the tables on the way too (paging-structure caches).
        """
