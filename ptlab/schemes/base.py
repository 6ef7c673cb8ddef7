"""ReclaimScheme: the points at which a design may act. Every point defaults to nothing.

The kernel paths (ptlab.paths) call these points; a scheme overrides what its design changes. Points
that may take time are generators of Steps; a scheme that does nothing there returns `NOTHING`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ptlab.steps import Path, Tables

if TYPE_CHECKING:
    from ptlab.memmap import Slots
    from ptlab.mm import Mm
    from ptlab.tlb import MmuGather

NOTHING: Any = ()


class ReclaimScheme:
    """Frees nothing before munmap. Subclass it and override the points your design needs."""

    name: ClassVar[str]
    """Short name, as given to `Process(scheme=...)`."""
    fate: ClassVar[str]
    """One sentence: history, or in which Linux."""
    source: ClassVar[str]
    """Mail Message-Id or kernel file and version."""
    kernel: ClassVar[str] = "6.18"
    """The kernel profile its stories run on unless told otherwise."""
    counts_references: ClassVar[bool] = False
    """Whether mem_map's refcount column means anything."""

    def table_installed(self, mm: Mm, tables: Tables) -> Path[None]:
        """PTE pages are about to be entered into the PMD page; its lock is held."""
        return NOTHING  # type: ignore[no-any-return]

    def table_withdrawn(self, mm: Mm, table: int) -> None:
        """A deposited PTE page replaces a huge page, with all 512 entries set."""

    def table_emptied(self, mm: Mm, table: int) -> None:
        """A collapse into a huge page took all entries of a PTE page at once, and the page with it."""

    def visitor_arrives(self, mm: Mm, pmd: int, slots: Slots, times: int = 1) -> Path[int | None]:
        """A walker wants to look at the PTE pages below `slots` of PMD page `pmd`.

        A true result means it may not: the walker skips or retries.
        """
        return NOTHING  # type: ignore[no-any-return]

    def visitor_leaves(
        self, mm: Mm, tables: Tables, times: int = 1, tlb: MmuGather | None = None
    ) -> Path[None]:
        """The walker is done with `tables` and holds no lock of theirs."""
        return NOTHING  # type: ignore[no-any-return]

    def entries_changed(self, mm: Mm, tables: Tables, delta: Any) -> None:
        """`delta` entries of each table became non-none (or none, below 0), under its PTE lock."""

    def entries_mapped(self, mm: Mm, tables: Tables, n: Any) -> Path[None]:
        """`n` entries of each table became non-none; the PTE lock is still held."""
        return NOTHING  # type: ignore[no-any-return]

    def entries_unmapped(
        self, mm: Mm, tables: Tables, n: Any, tlb: MmuGather | None = None
    ) -> Path[None]:
        """`n` entries of each table became none; the PTE lock has been dropped."""
        return NOTHING  # type: ignore[no-any-return]

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

    def check(self, mm: Mm) -> list[str]:
        """What is broken, in words; the scheme's own invariants, true after every step."""
        return []


POINTS = frozenset(
    name for name, value in vars(ReclaimScheme).items() if callable(value) and name[0] != "_"
)
"""Names of the points, which are ptlab's own and no kernel functions."""
