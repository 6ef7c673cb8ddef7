"""The rules that tasks can break: a record for each, with the facts and the sentence.

`headline` says in one clause what is broken; `sentence` adds what follows from it, and print() shows
that in lines. Code that compares two runs compares the records, not the sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from ptlab.base.geometry import Level
from ptlab.base.lines import wrapped
from ptlab.draw.names import plural
from ptlab.state.broken_state import BrokenState
from ptlab.state.memmap import MemMap


class Page(NamedTuple):
    """A page-table page."""

    level: Level
    number: int

    @classmethod
    def of(cls, mem: MemMap, table: int) -> Page:
        """The page of `table`."""
        return cls(Level(int(mem.level[table])), int(table))

    def __str__(self) -> str:
        return f"{self.level.name} page {self.number}"


class BrokenRule:
    """What is common to all of them: two patterns, which the fields of the record fill."""

    says: ClassVar[str]
    follows: ClassVar[str] = ""

    @property
    def headline(self) -> str:
        """What is broken, in one clause."""
        return self.says.format(self)

    @property
    def sentence(self) -> str:
        """What is broken, and what follows from it."""
        return f"{self.says}: {self.follows}".format(self) if self.follows else self.headline

    def __str__(self) -> str:
        return wrapped(self.sentence)


@dataclass(frozen=True)
class UsesFreed(BrokenRule):
    """An access to a page that was freed `ago` steps before. `how` is a verb, such as "reads"."""

    task: str
    how: str
    page: Page
    ago: int
    says = "task {0.task} {0.how} {0.page}, freed {0.steps} ago"

    @property
    def steps(self) -> str:
        """'3 steps'."""
        return plural(self.ago, "step")


@dataclass(frozen=True)
class ChangesUnhooked(UsesFreed):
    """A change to a table that another task unhooked `ago` steps before."""

    says = "task {0.task} {0.how} {0.page}, unhooked {0.steps} ago"
    follows = "what it does is lost"


@dataclass(frozen=True)
class Unprotected(BrokenRule):
    """A write without what protects it: a rule of race/lock_table.py. `where` is a line of a design."""

    task: str
    does: str
    missing: str
    why: str
    where: str = ""
    says = "task {0.task} {0.does} without {0.missing}"
    follows = "{0.why}{0.where}"


@dataclass(frozen=True)
class LostUpdate(BrokenRule):
    """A task writes what it has worked out from a value that is not there any more."""

    task: str
    what: str
    other: str
    ago: int
    where: str = ""
    says = (
        "lost update: task {0.task} writes {0.what}, which it read before task {0.other} wrote it"
    )
    follows = "what task {0.other} wrote {0.steps} ago is gone{0.where}"

    @property
    def steps(self) -> str:
        """'3 steps'."""
        return plural(self.ago, "step")


@dataclass(frozen=True)
class NotAtomic(BrokenRule):
    """A design uses two things in one step, as if nobody could come between. `other` says who can."""

    task: str
    first: str
    then: str
    other: str
    where: str = ""
    says = "task {0.task} uses {0.first} and {0.then} in one step{0.where}"
    follows = (
        "no lock is held around both that keeps others out, and {0.other}, which can come between. Take "
        "one lock wherever they are used, or yield a Step between the two"
    )


@dataclass(frozen=True)
class StaleRead(BrokenRule):
    """A task reads and writes in one step, as if nobody could come between. `lock` is not held."""

    task: str
    what: str
    does: str
    lock: str
    where: str = ""
    says = "task {0.task} {0.does} in the step in which it reads {0.what}, without {0.lock}"
    follows = (
        "what it has read may have changed before it writes{0.where}. Take that lock around both, or "
        "yield a Step between the two and look again"
    )


@dataclass(frozen=True)
class BelowZero(BrokenRule):
    """A reference is put that nobody has got."""

    task: str
    page: Page
    count: int
    says = "task {0.task} puts a reference to {0.page} that nobody has got: the count is {0.count}"


@dataclass(frozen=True)
class LosesPage(BrokenRule):
    """The entry of an anonymous page goes, and the page is neither freed nor anywhere else."""

    task: str
    frame: int
    page: Page
    says = "task {0.task} loses a user's page: {0.page} mapped page frame {0.frame:#x}"
    follows = "no entry maps it now, and nobody has freed it or swapped it out"


@dataclass(frozen=True)
class FreesAgain(BrokenRule):
    """A table is freed, or handed to RCU, that has been before. `where` is a line of a design."""

    task: str
    page: Page
    where: str = ""
    says = "task {0.task} frees {0.page} a second time{0.where}"


@dataclass(frozen=True)
class CountLeft(BrokenRule):
    """All tasks are done; a table has a reference that nobody will put."""

    page: Page
    count: int
    says = "{0.page} will never be freed"
    follows = "its count is {0.count}, but it has no entry and no visitor"


@dataclass(frozen=True)
class GoesAstray(BrokenRule):
    """The simulated kernel trusts the page tables, and has failed. `called` is a line of a design."""

    task: str
    error: str
    called: str = ""
    says = "task {0.task} follows a corrupted page table{0.handed} and fails ({0.error})"

    @property
    def handed(self) -> str:
        """What else may be wrong: a design has called, and may have handed on no table at all."""
        return f", or what {self.called}, has handed on," if self.called else ""


@dataclass(frozen=True)
class Overwrites(BrokenRule):
    """An entry is set that was not none."""

    task: str
    page: Page
    says = "task {0.task} overwrites an entry of {0.page}"
    follows = "the page that it mapped is lost"


@dataclass(frozen=True)
class UnhooksAgain(BrokenRule):
    """A table is unhooked that is not in the tree."""

    task: str
    page: Page
    says = "task {0.task} unhooks {0.page} a second time"


@dataclass(frozen=True)
class UnhooksEntries(BrokenRule):
    """A table is unhooked that still has entries."""

    task: str
    page: Page
    left: int
    says = "task {0.task} unhooks {0.page} with {0.entries} in it, lost without a zap"

    @property
    def entries(self) -> str:
        """'1 entry'."""
        return plural(self.left, "entry")


@dataclass(frozen=True)
class TwoInOneSlot(BrokenRule):
    """A table is installed at a slot where `other` is."""

    task: str
    page: Page
    parent: Page
    slot: int
    other: Page
    says = "task {0.task} installs {0.page} at slot {0.slot} of {0.parent}, where {0.other} is"
    follows = "two tables in one slot"


@dataclass(frozen=True)
class NeverEnds(BrokenRule):
    """A schedule has gone on for too long."""

    task: str
    steps: int
    where: str
    says = "task {0.task} does not come to an end"
    follows = "after {0.steps} steps it is in {0.where}"


@dataclass(frozen=True)
class VisitorsLeft(BrokenRule):
    """All tasks are done, and a table still counts visitors."""

    page: Page
    left: int
    says = "{0.page} has leaked"
    follows = "{0.visitors} never left"

    @property
    def visitors(self) -> str:
        """'1 visitor'."""
        return plural(self.left, "visitor")


@dataclass(frozen=True)
class LockLeft(BrokenRule):
    """All tasks are done, and one of them still holds a lock."""

    lock: str
    says = "a lock is still held"
    follows = "{0.lock}"


@dataclass(frozen=True)
class StateIsWrong(BrokenRule):
    """An invariant of the state or of the scheme does not hold."""

    what: BrokenState
    says = "{0.what}"


@dataclass(frozen=True)
class Verdict:
    """All that one segment has broken. `print` shows its sentence."""

    broken: tuple[BrokenRule, ...]

    @property
    def headline(self) -> str:
        """The first broken rule, in one clause."""
        return self.broken[0].headline

    @property
    def sentence(self) -> str:
        """All of it in one sentence, without its full stop."""
        return "; ".join(rule.sentence for rule in self.broken)

    def __str__(self) -> str:
        return wrapped(self.sentence)
