"""The arguments of a system call, checked, and how the call is written in the journal."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index

from ptlab.base.errors import unknown
from ptlab.base.geometry import PMD_SIZE, PUD_SIZE
from ptlab.base.left_out import flag_named, left_out
from ptlab.paths.madvise import ADVICE
from ptlab.paths.mmap import PROTECTIONS


class Region(int):
    """An address that remembers the length of its mapping, so that it need not be repeated."""

    length: int

    def __new__(cls, address: int, length: int) -> Region:
        """A region of `length` bytes at `address`."""
        region = super().__new__(cls, address)
        region.length = length
        return region

    def __repr__(self) -> str:
        return f"{int(self):#x} (+{self.length:#x} bytes)"


def protection(prot: str) -> int:
    """The flags of "none", "r", "rw", "rx" ..."""
    missing = flag_named("PROT_", prot) if isinstance(prot, str) else None
    if missing:
        raise left_out(missing)
    if not isinstance(prot, str) or prot not in PROTECTIONS:
        raise unknown("protection", prot, PROTECTIONS)
    return PROTECTIONS[prot]


def refuse_flags(call: str, prefix: str, given: Iterable[str]) -> None:
    """Flags that `call` has no argument for: NotModelled if Linux has them, else TypeError."""
    for word in given:
        name = flag_named(prefix, word)
        raise left_out(name) if name else TypeError(f"{call}() has no argument {word!r}")


def advice_number(advice: str | int) -> int:
    """MADV_DONTNEED, "MADV_DONTNEED" or "DONTNEED" as a number."""
    if isinstance(advice, str):
        name = advice.removeprefix("MADV_")
        if name not in ADVICE:
            raise unknown("advice", advice, ADVICE)
        number: int = ADVICE[name]
        return number
    try:
        return index(advice)
    except TypeError:
        raise TypeError(
            f"madvise: advice must be a name such as 'DONTNEED', or its number, not {advice!r}"
        ) from None


def address_range(call: str, where: int, length: int | None) -> tuple[int, int]:
    """Address and length as they are, or the length of a Region that stands alone."""
    if type(where) is int and type(length) is int:
        return where, length
    if length is None and isinstance(where, Region):
        return int(where), where.length
    address = whole_number(call, "address", where)
    if length is None:
        raise ValueError(f"{call}: {where:#x} is a bare address: give a length too")
    return address, whole_number(call, "length", length)


def file_range(call: str, offset: int, length: int) -> tuple[int, int]:
    """Offset and length of a part of a file."""
    return whole_number(call, "offset", offset), whole_number(call, "length", length)


def whole_number(call: str, what: str, value: int) -> int:
    """A number of bytes; TypeError says in which call it is none."""
    try:
        return index(value)
    except TypeError:
        raise TypeError(f"{call}: {what} must be a whole number of bytes, not {value!r}") from None


def huge_page_size(call: str, size: int) -> int:
    """The size of a huge page: 2 MiB or 1 GiB."""
    if size not in (PMD_SIZE, PUD_SIZE):
        raise ValueError(f"{call}: a huge page has {PMD_SIZE} or {PUD_SIZE} bytes, not {size!r}")
    return size


def call_text(call: str, where: int | None, length: int, *rest: object) -> str:
    """How an operation is called in the journal: 'madvise(0x7ffff7a00000, 2M, DONTNEED)'."""
    place = [] if where is None else [f"{where:#x}"]
    size = [size_text(length)] if length else []
    return f"{call}({', '.join([*place, *size, *map(str, rest)])})"


def size_text(length: int) -> str:
    """Bytes in the largest unit that they are a multiple of: '2M'."""
    for unit, suffix in ((1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")):
        if length and length % unit == 0:
            return f"{length // unit}{suffix}"
    return str(length)
