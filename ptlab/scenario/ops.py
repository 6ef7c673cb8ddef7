"""What a scenario is made of: one small class for each op of the scenario language.

`language.py` reads text into these objects, `player.py` does what they say to a `Process`.
Addresses and lengths are plain byte counts that nobody checks here: to refuse a bad one is for
the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

SLOT_BASE = 0x100000000000
"""The address of slot 0: 16 TiB, which a 4-level kernel reaches through PGD entry 32."""

SLOT_SIZE = 512 << 30
"""What one PGD entry of a 4-level tree spans, so that no two slots share a PUD page."""

SLOTS = 120


@dataclass(frozen=True, slots=True)
class Op:
    """One op and the place where it was read (`line` and `column` count from 1)."""

    text: str
    line: int
    column: int

    @property
    def verb(self) -> str:
        """The first word of the op."""
        return self.text.split()[0]


@dataclass(frozen=True, slots=True)
class Mmap(Op):
    """`mmap`; `advice` is the one about huge pages that follows the call at once, or None."""

    addr: int
    length: int
    prot: str
    shared: bool
    file: str | None
    offset: int
    noreserve: bool
    populate: bool
    advice: str | None
    over: bool


@dataclass(frozen=True, slots=True)
class Touch(Op):
    """One read or write in every `stride` bytes of a range."""

    write: bool
    addr: int
    length: int
    stride: int


@dataclass(frozen=True, slots=True)
class Madvise(Op):
    """`madvise` with the kernel's advice, named without `MADV_`."""

    advice: str
    addr: int
    length: int


@dataclass(frozen=True, slots=True)
class MadviseEach(Op):
    """One `madvise` call for every `chunk` bytes of a range."""

    advice: str
    addr: int
    length: int
    chunk: int


@dataclass(frozen=True, slots=True)
class Munmap(Op):
    """`munmap`."""

    addr: int
    length: int


@dataclass(frozen=True, slots=True)
class Mprotect(Op):
    """`mprotect` to "none", "r" or "rw"."""

    addr: int
    length: int
    prot: str


@dataclass(frozen=True, slots=True)
class Mlock(Op):
    """`mlock`."""

    addr: int
    length: int


@dataclass(frozen=True, slots=True)
class Munlock(Op):
    """`munlock`."""

    addr: int
    length: int


@dataclass(frozen=True, slots=True)
class Mremap(Op):
    """`mremap`; `to` is the new address (MREMAP_FIXED) or None."""

    addr: int
    old_length: int
    new_length: int
    to: int | None
    dontunmap: bool
    maymove: bool


@dataclass(frozen=True, slots=True)
class File(Op):
    """Makes a file, in memory or on disk; `filled` puts its pages into the page cache."""

    name: str
    size: int
    disk: bool
    filled: bool


@dataclass(frozen=True, slots=True)
class Truncate(Op):
    """`ftruncate`."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Punch(Op):
    """`fallocate` with FALLOC_FL_PUNCH_HOLE."""

    name: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Alloc(Op):
    """`fallocate`."""

    name: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Fork(Op):
    """`fork`: the child runs the next `count` ops and exits, then the parent goes on."""

    count: int


@dataclass(frozen=True, slots=True)
class Forkbg(Op):
    """`fork` of a child that only sleeps."""


@dataclass(frozen=True, slots=True)
class Endfork(Op):
    """The end of the sleeping child."""


@dataclass(frozen=True, slots=True)
class Cover(Op):
    """The cover letter's loop: for every chunk, write to each of its pages, then DONTNEED it."""

    addr: int
    length: int
    chunk: int


@dataclass(frozen=True, slots=True)
class Nop(Op):
    """Does nothing; its row says where things stand."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named list of ops."""

    name: str
    group: str
    description: str
    ops: tuple[Op, ...]
