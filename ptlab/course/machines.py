"""The same walk on other machines: how each cuts an address, and which entry it reads in each table.

Only the walk: ptlab simulates the tables of x86-64. Simplified: the small page of each machine, no
TLB, and of an entry only its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import NamedTuple
from uuid import uuid4

from ptlab.base.geometry import GiB, KiB, MiB, TiB
from ptlab.process.arguments import whole_number

_SIZES = ((TiB, "TiB"), (GiB, "GiB"), (MiB, "MiB"), (KiB, "KiB"))


class Part(NamedTuple):
    """The bits of an address that choose an entry: `high` to `low`, and `entry` as a number."""

    table: str
    high: int
    low: int
    entry: int

    @property
    def bits(self) -> str:
        """The number of the entry, bit by bit."""
        return f"{self.entry:0{self.high - self.low + 1}b}"

    @property
    def covers(self) -> str:
        """How much memory one entry of this table stands for."""
        unit, name = next(size for size in _SIZES if 1 << self.low >= size[0])
        return f"{(1 << self.low) // unit} {name}"


@dataclass(frozen=True)
class Machine:
    """How a machine walks.

    root     the register that says where the first table is
    tables   (name, bits of its index) from the top down
    entry    bytes of one entry
    user     bits of the addresses that a program can have
    source   where this is written
    """

    name: str
    root: str
    tables: tuple[tuple[str, int], ...]
    entry: int
    user: int
    source: str
    page: int = 12

    def cut(self, address: int) -> list[Part]:
        """The parts of `address`, one for each table. ValueError if a program has no such address."""
        if not 0 <= address < 1 << self.user:
            raise ValueError(
                f"{self.name}: {address:#x} is no address: a program has {self.user} bits"
            )
        low = self.page + sum(bits for _, bits in self.tables)
        parts = []
        for table, bits in self.tables:
            low -= bits
            entry = address >> low & ((1 << bits) - 1)
            parts.append(Part(table, low + bits - 1, low, entry))
        return parts

    def offset(self, address: int) -> int:
        """The place of the byte in its page."""
        return address & ((1 << self.page) - 1)


_FOUR = (("PGD", 9), ("PUD", 9), ("PMD", 9), ("PTE", 9))

MACHINES = {
    machine.name: machine
    for machine in (
        Machine("x86-64", "CR3", _FOUR, 8, 47, "Intel SDM volume 3A, 4-level paging"),
        Machine(
            "x86-64, five levels",
            "CR3",
            (("PGD", 9), ("P4D", 9), *_FOUR[1:]),
            8,
            56,
            "Intel SDM volume 3A, 5-level paging",
        ),
        Machine(
            "textbook 10|10|12",
            "CR3",
            (("page directory", 10), ("page table", 10)),
            4,
            32,
            "Intel SDM volume 3A, 32-bit paging",
        ),
        Machine(
            "RISC-V Sv39",
            "satp",
            (("VPN[2]", 9), ("VPN[1]", 9), ("VPN[0]", 9)),
            8,
            38,
            "The RISC-V Instruction Set Manual, volume II, Sv39",
        ),
        Machine(
            "arm64, 4 KiB pages",
            "TTBR0_EL1",
            (("level 0", 9), ("level 1", 9), ("level 2", 9), ("level 3", 9)),
            8,
            48,
            "Documentation/arch/arm64/memory.rst (Linux 6.12), 4 KiB pages and 48 bits",
        ),
    )
}


class Walks:
    """One address on every machine; in a notebook with a switch, as text one below the other."""

    def __init__(self, address: int) -> None:
        self.address = address

    def __str__(self) -> str:
        return "\n\n".join(_as_text(machine, self.address) for machine in MACHINES.values())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        name, panels, shown = f"ptlab-{uuid4().hex}", [], []
        for k, machine in enumerate(MACHINES.values()):
            checked = " checked" if k == 0 else ""
            panels.append(
                f'<label><input type="radio" name="{name}"{checked}> {escape(machine.name)}</label>'
            )
            shown.append(f'<div class="ptlab-way">{_as_html(machine, self.address)}</div>')
        rules = "".join(
            f".{name}:has(label:nth-of-type({k}) input:checked) .ptlab-way:nth-of-type({k})"
            "{display:block}"
            for k in range(1, len(MACHINES) + 1)
        )
        return (
            f"<style>.ptlab-way{{display:none;overflow-x:auto}}.{name} label{{margin-right:1.2em;"
            f"white-space:nowrap}}.ptlab-way :is(td,th){{padding:2px 14px 2px 0;text-align:left}}"
            f"{rules}</style>"
            f'<fieldset class="{name}" style="border:0;padding:0;margin:0">'
            f"<legend>The walk of {self.address:#x} on</legend>{''.join(panels)}{''.join(shown)}"
            "</fieldset>"
        )


def walks(address: int) -> Walks:
    """How five machines walk to `address`. ValueError if none of them has such an address.

    >>> print(str(walks(0x12345678)).split("\\n\\n")[2])
    textbook 10|10|12: 2 reads, entries of 4 bytes, the first table is in CR3
      page directory  bits 31 to 22  0001001000 = entry  72, at byte 0x120, covers 4 MiB
      page table      bits 21 to 12  1101000101 = entry 837, at byte 0xd14, covers 4 KiB
      offset 0x678
    """
    address = whole_number("walks", "address", address)
    most = max(machine.user for machine in MACHINES.values())
    if not 0 <= address < 1 << most:
        raise ValueError(f"walks: address {address:#x}: no machine here has more than {most} bits")
    return Walks(address)


def _head(machine: Machine) -> str:
    return (
        f"{len(machine.tables)} reads, entries of {machine.entry} bytes, "
        f"the first table is in {machine.root}"
    )


def _as_text(machine: Machine, address: int) -> str:
    try:
        parts = machine.cut(address)
    except ValueError as refused:
        return str(refused)
    wide = max(len(part.table) for part in parts)
    lines = [
        f"  {part.table:{wide}}  bits {part.high} to {part.low}  {part.bits} = entry {part.entry:>3}, "
        f"at byte {part.entry * machine.entry:#05x}, covers {part.covers}"
        for part in parts
    ]
    end = f"  offset {machine.offset(address):#x}"
    return "\n".join([f"{machine.name}: {_head(machine)}", *lines, end])


def _as_html(machine: Machine, address: int) -> str:
    try:
        parts = machine.cut(address)
    except ValueError as refused:
        return f"<p>{escape(str(refused))}</p>"
    heads = ("table", "bits", "in binary", "entry", "at byte", "one entry covers")
    rows = [
        (
            part.table,
            f"{part.high} to {part.low}",
            part.bits,
            str(part.entry),
            f"{part.entry * machine.entry:#x}",
            part.covers,
        )
        for part in parts
    ]
    offset = machine.offset(address)
    rows.append(("the page", f"{machine.page - 1} to 0", f"{offset:012b}", "", f"{offset:#x}", ""))
    table = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return (
        f"<p>{_head(machine)}. Source: {escape(machine.source)}.</p>"
        f"<table><tr>{head}</tr>{table}</table>"
    )
