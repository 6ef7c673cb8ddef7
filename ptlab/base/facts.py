"""What a step has to say besides its function, its tables and its number: one small type for each fact.

A fact is written where the thing happens. It holds numbers, ids and the names listed here, and no
English: ptlab.draw.sentences makes the sentence. (The names are plain strings, because they are fast.)
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

from ptlab.base.tables import Columns


class Lock(NamedTuple):
    """A lock that a task takes, drops, waits for, or fails to take.

    of    whose it is: an mm's id, a table or a run of tables, a VMA's start, a file's number
    mode  "read", "write", "spin", "trylock", "users", "sync"
    """

    name: str
    of: Any
    mode: str


class Dying(NamedTuple):
    """A try for a reference fails: the table has none left. `result` is what the try returns."""

    result: IntEnum


class Span(NamedTuple):
    """The addresses [start, end)."""

    start: int
    end: int


class VmaMapped(NamedTuple):
    """A VMA with these vm_flags appears. `whole` is that VMA with its neighbours."""

    span: Span
    flags: int
    whole: Span


class VmaUnmapped(NamedTuple):
    """VMAs are taken out of the tree."""

    spans: tuple[Span, ...]


class VmaAnon(NamedTuple):
    """A VMA gets an anon_vma."""

    span: Span
    anon_vma: int


class VmaKept(NamedTuple):
    """A VMA stays, and its pages have moved away."""

    span: Span


class VmaGrown(NamedTuple):
    """A VMA that grows down begins further below."""

    span: Span


class VmaChanged(NamedTuple):
    """A part of a VMA gets other vm_flags."""

    span: Span
    before: int
    after: int


class Access(NamedTuple):
    """A program reads or writes, from address `first` on."""

    first: int
    write: bool


class Reason:
    """Why an access is refused."""

    NO_VMA = "no VMA"
    RIGHTS = "rights"
    GUARD = "guard marker"
    BEYOND_FILE = "beyond end of file"
    POOL_EMPTY = "pool empty"


class Refusal(NamedTuple):
    """An access that ends in a signal. `flags` are the vm_flags of its VMA, 0 where there is none."""

    address: int
    write: bool
    reason: str
    flags: int = 0


class Holder:
    """Who has a reference to a table. The installer of a table is its first visitor."""

    INSTALLER = "installer"
    VISITOR = "visitor"
    ENTRY = "entry"


class Counting:
    """How a reference is counted: atomically, on this CPU's own counter, or in a page that is new."""

    ATOMIC = "atomic"
    PERCPU = "percpu"
    PLAIN = "plain"


class References(NamedTuple):
    """References are taken or given back.

    before, after  the count; an array for a run, None where a question leaves it out
    last           whether these were the last ones, so that the design frees the table
    """

    who: str
    before: Any
    after: Any
    how: str = Counting.ATOMIC
    last: bool = False


class CountMode(NamedTuple):
    """From now on the references of a table are counted like this."""

    how: str


class Maps:
    """What an entry maps once it is set."""

    PAGE = "page"
    ZERO = "zero page"
    FILE = "file page"
    SHARED = "shared page"
    HUGE = "huge page"
    MARKER = "guard marker"
    MOVED = "moved page"


class EntriesSet(NamedTuple):
    """Entries at `columns` that were none map something now."""

    columns: Columns
    maps: str


class EntriesCleared(NamedTuple):
    """Entries at `columns` become none; `zero` of them mapped the zero page."""

    columns: Columns
    zero: int = 0


class Change:
    """How an entry changes without becoming none."""

    WRITABLE = "writable"
    COPIED = "copied"
    SWAPPED_OUT = "swapped out"
    SWAPPED_IN = "swapped in"
    OLD = "old"
    LAZYFREE = "lazyfree"
    ZEROED = "zero page"


class EntriesChanged(NamedTuple):
    """Entries at `columns` change and stay."""

    columns: Columns
    how: str


class EntriesProtected(NamedTuple):
    """Entries at `columns` allow other accesses: those of `prot` (VM_READ and VM_WRITE)."""

    columns: Columns
    prot: int


class Scan(NamedTuple):
    """Entries are read to learn whether a table is empty.

    found     how many of them are not none
    fallback  whether a faster way was tried before
    """

    found: int
    fallback: bool = False


class Unhooked(NamedTuple):
    """Tables leave the tree. `collapsed`: a huge page has their pages, or will have them.

    Not `counted`: VmPTE counts them still.
    """

    collapsed: bool = False
    counted: bool = True


class Freed(NamedTuple):
    """Tables go back to the allocator, at once or after a grace period."""

    grace_period: bool = False


UNHOOKED, FREED, FREED_LATER = Unhooked(), Freed(), Freed(True)  # made often: one of each is enough


class Place(NamedTuple):
    """An entry: its table and its slot."""

    table: int
    slot: int


class Sharing(NamedTuple):
    """One more entry points to a table, or (not `hooked`) one fewer; `users` do then."""

    place: Place
    hooked: bool
    users: int


class Moved(NamedTuple):
    """An entry goes from one place to another, with the table or the huge page that it points to."""

    old: Place
    new: Place
    huge: bool = False


class FileResized(NamedTuple):
    """A file's end is now at `size` bytes."""

    file: int
    kind: str
    size: int


class PagesAllocated(NamedTuple):
    """Pages of a file of `size` bytes are taken into the page cache, not yet zeroed."""

    file: int
    kind: str
    size: int


class PagesDropped(NamedTuple):
    """Pages leave the page cache: from the file's end, or out of its middle (`hole`)."""

    hole: bool


VmaFact: TypeAlias = VmaMapped | VmaUnmapped | VmaAnon | VmaKept | VmaGrown | VmaChanged
FileFact: TypeAlias = FileResized | PagesAllocated | PagesDropped
Fact: TypeAlias = (
    Lock
    | Dying
    | VmaFact
    | FileFact
    | Access
    | Refusal
    | References
    | CountMode
    | Scan
    | Freed
    | EntriesSet
    | EntriesCleared
    | EntriesChanged
    | EntriesProtected
    | Unhooked
    | Sharing
    | Moved
)
"""Any fact."""
