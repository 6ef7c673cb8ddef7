"""The mappings of a process, from the text of /proc/PID/maps, and of smaps where it is needed."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

_LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) (\S+) (\d+) *(.*)")
_USER = 1 << 63  # the vsyscall page lies above, in the kernel's half, and is in no process's tables


class Kind(StrEnum):
    """What a mapping maps."""

    ANONYMOUS = "anonymous"
    FILE = "file"
    SHARED = "shared memory"
    HUGETLB = "hugetlb"
    SPECIAL = "special"
    DEVICE = "device"


class Mapping(NamedTuple):
    """One line of maps: [start, end), rights such as "rw-p", and the file's or the kernel's name.

    file is "device:inode", "" for memory without a file; offset is where in it the mapping begins.
    """

    start: int
    end: int
    rights: str
    name: str
    kind: Kind
    file: str = ""
    offset: int = 0

    @property
    def title(self) -> str:
        """Its name; memory without one is named by its addresses."""
        return self.name or f"{self.start:#x}-{self.end:#x}"


def mappings(text: str) -> list[Mapping]:
    """The mappings in the text of /proc/PID/maps, in the order of their addresses."""
    found = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match and int(match[2], 16) < _USER:
            name = match[7].strip()
            start, end, offset = (int(match[n], 16) for n in (1, 2, 4))
            file = f"{match[5]}:{match[6]}" if int(match[6]) else ""
            kind = _kind(name, int(match[6]))
            found.append(Mapping(start, end, match[3], name, kind, file, offset))
    return found


def _kind(name: str, inode: int) -> Kind:
    """The kind that the name shows. Only VmFlags show hugetlb pages: see `hugetlb_pages`."""
    if name.startswith(("[v", "[uprobes]")):  # [vdso], [vvar], [vvar_vclock], [vectors]
        return Kind.SPECIAL
    if name.startswith(("/dev/shm/", "/dev/zero", "/memfd:", "/SYSV")):
        return Kind.SHARED
    if name.startswith(("/dev/", "anon_inode:")):
        return Kind.DEVICE
    if not inode:
        return Kind.ANONYMOUS
    return Kind.FILE


def hugetlb_pages(smaps: str) -> dict[int, int]:
    """The page size of each hugetlb mapping in the text of /proc/PID/smaps, by its start."""
    sizes, start, size = {}, 0, 0
    for line in smaps.splitlines():
        if match := _LINE.fullmatch(line):
            start = int(match[1], 16)
        elif line.startswith("KernelPageSize:"):
            size = int(line.split()[1]) << 10
        elif line.startswith("VmFlags:") and "ht" in line.split():
            sizes[start] = size
    return sizes
