"""How a design of the debate is known to break in races: any other failure of it is news.

`ptlab races` tells a known failure with its reason, and still ends with exit status 0 when it runs
all designs.
"""

from __future__ import annotations

from typing import NamedTuple

from ptlab.race.broken_locks import BreaksLockOrder, HoldsIt
from ptlab.race.broken_rule import BrokenRule, UnhooksEntries, Unprotected, Verdict


class KnownFailure(NamedTuple):
    """A rule that a design breaks, the words that its sentence has then, and the reason."""

    rule: type[BrokenRule]
    words: tuple[str, ...]
    why: str

    def fits(self, broken: BrokenRule) -> bool:
        """Whether `broken` is this failure."""
        said = " ".join(broken.sentence.split())
        return isinstance(broken, self.rule) and all(one in said for one in self.words)


_ANOTHER_PAGE = (
    "free_user_pte() looks whether a page is there, not whether it is the one that has died: it "
    "unhooks the page that a fault has put in its place"
)
_KNOWN = {
    "percpu_ref": (
        KnownFailure(
            Unprotected,
            ("unhooks PTE page", "whose count is", "PercpuRef.free_user_pte"),
            _ANOTHER_PAGE,
        ),
        KnownFailure(UnhooksEntries, ("unhooks PTE page", "lost without a zap"), _ANOTHER_PAGE),
        KnownFailure(
            HoldsIt,
            ("waits for the PMD lock",),
            "pte_tryget() frees the dead page that it finds, also for a task that holds the PMD "
            "lock, which free_user_pte() takes again",
        ),
    ),
    "pt_rwsem": (
        KnownFailure(
            BreaksLockOrder,
            ("pt_rwsem", "i_mmap_rwsem"),
            "advice that splits a file's huge page takes i_mmap_rwsem inside pt_rwsem, and a collapse "
            "of the file takes pt_rwsem inside i_mmap_rwsem",
        ),
    ),
}


def known_failure(design: str, verdict: Verdict | None) -> str:
    """Why `design` breaks in this way, if all that is broken is known of it; '' if not."""
    broken = verdict.broken if verdict else ()
    why = [
        next((known.why for known in _KNOWN.get(design, ()) if known.fits(rule)), "")
        for rule in broken
    ]
    return why[0] if why and all(why) else ""
