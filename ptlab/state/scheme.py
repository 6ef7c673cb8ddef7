"""ReclaimScheme: the points at which a design may act. Every point defaults to nothing.

The kernel paths (ptlab.paths) call these points; a scheme overrides what its design changes. Points
that may take time are generators of Steps; a scheme that does nothing there returns `NOTHING`.

`times` says how often something happened in the kernel where a coarse grain makes one step of it:
512 page faults in one table are 512 visits. `tables` is one PTE page, or a run of them below one
PMD page; `n` and `delta` are then arrays, or one number that holds for each.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator
from types import CodeType
from typing import Any, ClassVar

from ptlab.base.steps import Path
from ptlab.base.tables import Slots, Tables
from ptlab.state.mm import Mm
from ptlab.state.mmu_gather import MmuGather

NOTHING: Any = ()


class ReclaimScheme:
    """Frees nothing before munmap. Subclass it and override the points your design needs."""

    name: ClassVar[str]
    """Short name, as given to `Process(scheme=...)`; that of the class, if it says nothing."""
    fate: ClassVar[str] = "A design of your own."
    """One sentence: history, or in which Linux."""
    source: ClassVar[str] = ""
    """Mail Message-Id or kernel file and version."""
    kernel: ClassVar[str] = "6.18"
    """The kernel profile its stories run on unless another is named."""
    counts_references: ClassVar[bool] = False
    """Whether mem_map's refcount column means anything."""
    stays_empty: ClassVar[str] = "lock"
    """What keeps an empty table empty until it is out of the tree: its own "lock", a reference
    "count" at 0, or the name of a lock of the design (of the mm, for write) that every walk takes."""
    written_atomically: ClassVar[frozenset[str]] = frozenset()
    """Attributes of which one element is read or written at a time, by one atomic operation. A race
    checks it: two elements in one step, with no lock around both, are a failure."""
    zap_mode: ClassVar[str] = "read"
    """How MADV_DONTNEED and MADV_FREE take mmap_lock; for "write" there is no VMA lock instead."""

    def __init_subclass__(cls) -> None:
        """TypeError for a point that does not take what it is called with, or that nobody calls."""
        for point in POINTS & vars(cls).keys():
            wanted = list(inspect.signature(getattr(ReclaimScheme, point)).parameters)
            try:
                inspect.signature(getattr(cls, point)).bind(*wanted)
            except TypeError as error:
                message = (
                    f"{cls.__name__}.{point}: {error}; it is called with ({', '.join(wanted)})"
                )
                raise TypeError(message) from None
        _refuse_misspelt(cls)
        if not hasattr(cls, "name"):
            cls.name = cls.__name__

    # -- a walk from the PGD down to PTE pages and back --

    def walk_begins(self, mm: Mm, start: int, end: int, times: int = 1) -> Path[Any]:
        """A kernel path is about to go down to the PTE pages of [start, end).

        The result is this walk's own; it is handed to the other points of the walk.
        """
        return NOTHING  # type: ignore[no-any-return]

    def walk_ends(
        self, mm: Mm, walk: Any, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        """The walk is over; it holds no lock of any table. `tlb` is given where it zapped."""
        return NOTHING  # type: ignore[no-any-return]

    def upper_installed(self, mm: Mm, table: int, walk: Any, times: int = 1) -> Path[None]:
        """A walk has built a PUD or PMD page on its way; page_table_lock is held."""
        return NOTHING  # type: ignore[no-any-return]

    def upper_met(self, mm: Mm, table: int, walk: Any, times: int = 1) -> Path[bool | None]:
        """A walk that would build a PUD or PMD page finds one that another task has built meanwhile.

        A true result means it may not stay: the walk looks again, with page_table_lock dropped.
        """
        return NOTHING  # type: ignore[no-any-return]

    # -- the life of a PTE page --

    def table_installed(self, mm: Mm, pmd: int, tables: Tables) -> Path[None]:
        """PTE pages are about to be entered into PMD page `pmd`; its lock is held."""
        return NOTHING  # type: ignore[no-any-return]

    def table_withdrawn(self, mm: Mm, table: int) -> None:
        """A deposited PTE page replaces a huge page, with all 512 entries set."""

    def may_be_taken(self, mm: Mm, table: int) -> bool:
        """A collapse of a file asks, under the PTE lock, whether it may empty and take a PTE page."""
        return True

    def table_emptied(self, mm: Mm, table: int) -> None:
        """A collapse into a huge page took all entries of a PTE page at once, and the page too."""

    # -- visits --

    def visitor_arrives(self, mm: Mm, pmd: int, slots: Slots, times: int = 1) -> Path[int | None]:
        """A walker wants to look at the PTE pages below `slots` of PMD page `pmd`.

        A true result means it may not: the walker skips or retries.
        """
        return NOTHING  # type: ignore[no-any-return]

    def visitors_follow(self, mm: Mm, tables: Tables, times: int) -> Path[None]:
        """After the one who installed `tables` came `times` more, one after the other.

        They are page faults that a coarse grain puts into one step with the first.
        """
        return NOTHING  # type: ignore[no-any-return]

    def visitor_leaves(
        self, mm: Mm, tables: Tables, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        """The walker is done with `tables` and holds no lock of theirs."""
        return NOTHING  # type: ignore[no-any-return]

    # -- entries --

    def entries_changed(self, mm: Mm, tables: Tables, delta: Any, zero: Any = 0) -> None:
        """`delta` entries of each table became non-none (or none, below 0), under its PTE lock.

        `zero` more of them (or fewer, below 0) map the shared zero page.
        """

    def entries_mapped(self, mm: Mm, tables: Tables, n: Any, times: int = 1) -> Path[None]:
        """`n` entries of each table became non-none; the PTE lock is still held."""
        return NOTHING  # type: ignore[no-any-return]

    def entries_unmapped(
        self, mm: Mm, tables: Tables, n: Any, tlb: MmuGather | None = None
    ) -> Path[None]:
        """`n` entries of each table became none; the PTE lock has been dropped."""
        return NOTHING  # type: ignore[no-any-return]

    # -- the end of a zap --

    def zap_ends_locked(self, mm: Mm, tables: Tables, whole: bool, undisturbed: bool) -> Path[Any]:
        """zap_pte_range() of MADV_DONTNEED has come to its end; the PTE lock is still held.

        whole: the call covers all 2 MiB of each table. undisturbed: the lock was never dropped.
        The result is handed to `zap_ends`.
        """
        return NOTHING  # type: ignore[no-any-return]

    def zap_ends(
        self, mm: Mm, tables: Tables, whole: bool, locked_result: Any, tlb: MmuGather
    ) -> Path[None]:
        """zap_pte_range() of MADV_DONTNEED has dropped the PTE lock and flushed what it had to."""
        return NOTHING  # type: ignore[no-any-return]

    def zapped(self, mm: Mm, tables: Tables, walk: Any, why: str, tlb: MmuGather) -> Path[None]:
        """A zap is done with `tables`, its visit is over; `why` is one of WHY_ZAPPED."""
        return NOTHING  # type: ignore[no-any-return]

    def lazyfreed(self, mm: Mm, tables: Tables, marked: Any) -> Path[None]:
        """MADV_FREE is done with `tables` and has marked `marked` entries of each."""
        return NOTHING  # type: ignore[no-any-return]

    # -- at other times --

    def returns_to_user(self, mm: Mm) -> Path[None]:
        """A system call, or a program's run of accesses, is over."""
        return NOTHING  # type: ignore[no-any-return]

    def background(self, mm: Mm) -> Path[None]:
        """`Process.background()`: time has passed, or somebody wants page-table pages back."""
        return NOTHING  # type: ignore[no-any-return]

    def check(self, mm: Mm) -> list[str]:
        """What is broken, in words; the scheme's own invariants, true after every step."""
        return []


WHY_ZAPPED = ("madvise", "truncate", "unmap")
"""MADV_DONTNEED; a file that loses pages (or guard pages that replace others); munmap and exit."""

POINTS = frozenset(
    name for name, value in vars(ReclaimScheme).items() if callable(value) and name[0] != "_"
)
"""Names of the points, which are ptlab's own and no kernel functions."""


def _refuse_misspelt(cls: type[ReclaimScheme]) -> None:
    """TypeError for a method that looks like a point, and is none: it would never be called."""
    called = {name for method in vars(cls).values() for name in _names_in(method)}
    for name, method in vars(cls).items():
        inherited = any(name in vars(base) for base in cls.__mro__[1:])
        if name[0] == "_" or inherited or not inspect.isfunction(method):
            continue
        close = difflib.get_close_matches(name, POINTS, n=1, cutoff=0.8)
        takes_mm = list(inspect.signature(method).parameters)[1:2] == ["mm"]
        if close or (takes_mm and name not in called):
            hint = (
                f"did you mean {close[0]}?"
                if close
                else f"the points are {', '.join(sorted(POINTS))}."
            )
            raise TypeError(
                f"{cls.__name__}.{name}, line {method.__code__.co_firstlineno}: no point has this name, "
                f"so that nobody would call it; {hint} (A method for your own calls begins with _.)"
            )


def _names_in(method: Any) -> Iterator[str]:
    """The names that a function uses, and those that the functions in it use."""
    code = getattr(method, "__code__", method)
    if isinstance(code, CodeType):
        yield from code.co_names
        for constant in code.co_consts:
            yield from _names_in(constant)


def explained(error: TypeError) -> bool:
    """Whether a point has returned None, where steps belong; then `error` gets a note that says so."""
    none = str(error) == "'NoneType' object is not iterable"
    if none:
        error.add_note(
            "A point of the scheme has returned None. A point gives its steps: it yields, or it "
            "returns () where there is nothing to do."
        )
    return none
