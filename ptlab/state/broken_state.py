"""What is wrong with the simulated state: the rule that does not hold, and the case in numbers."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from ptlab.base.errors import Corruption


class Rule(Enum):
    """What must be true. The value says what is wrong; the case fills its places, in order."""

    PARENT_LIVES = "page {} hangs below page {}, which is not in the tree"
    PARENT_AGREES = "page {0} claims slot {2} of page {1}, but the entry there does not point to it"
    CHILD_AGREES = "page {} points to page {}, which is not its child"
    ENTRIES_COUNTED = "page {} has {} non-none entries, but its count says {}"
    EMPTY_STORES_NONE = "page {} is empty, but owns entry storage"
    TABLES_COUNTED = "{1} {0} pages are in the tree, but VmPTE counts {2}"
    PAGES_COUNTED = "{} pages are mapped, but the counters say {}"
    VMA_NOT_EMPTY = "VMA {} is empty"
    VMAS_APART = "VMAs {} and {} overlap"
    TABLE_HAS_VMA = "{} page {} at {:#x} has no VMA in its span"
    ENTRY_HAS_VMA = "PTE page {} maps {:#x}, where no VMA is"
    PAGE_CACHED = "{} page {} maps page frame {:#x} at {:#x}, which its file has dropped"
    HUGETLB_COUNTED = "{} pages of 4 KiB are mapped as hugetlb, but the counter says {}"
    POOL_COUNTED = "{} of the {} in the pool are in use, but its counts say {}"
    TABLE_FREED = "{} page {} has leaked: it is in no tree and was never freed"
    POINTS_TO_TABLE = "an upper table points to a page that is not a table"
    OF_DESIGN = "{}"
    """A rule of the design's own. What its check() says is the case."""


class BrokenState(NamedTuple):
    """A rule that does not hold: of which tables, VMAs and numbers. str() is one clause."""

    rule: Rule
    case: tuple[object, ...] = ()

    def __str__(self) -> str:
        return self.rule.value.format(*self.case)


class BrokenStates(Corruption):
    """All that `check()` has found, in `broken`; the message names each."""

    def __init__(self, broken: Iterable[BrokenState]) -> None:
        self.broken = tuple(broken)
        super().__init__("; ".join(map(str, self.broken)))
