"""What the kernel reports to a process about itself: VmPTE, faults, VMAs and entries."""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Iterable, Iterator

from .calls import MADV_POPULATE_READ, MADV_POPULATE_WRITE, PAGE

SLOTS = range(0x100000000000, 0x4C0000000000)  # 120 slots of 512 GiB from 16 TiB on
# Bits of a word of pagemap (Documentation/admin-guide/mm/pagemap.rst).
_PRESENT, _SWAP, _FILE, _GUARD = 1 << 63, 1 << 62, 1 << 61, 1 << 58
_PFN = (1 << 55) - 1
_HUGE = (b"AnonHugePages", b"ShmemPmdMapped", b"FilePmdMapped")

_words = bytearray(1 << 20)


def minor_faults() -> int:
    """Of this process, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def vmpte() -> int:
    """VmPTE of this process in kB."""
    return status()["VmPTE"]


def status() -> dict[str, int]:
    """VmPTE and HugetlbPages of this process in kB; a kernel without hugetlb says nothing of these."""
    found = {"VmPTE": 0, "HugetlbPages": 0}
    for line in lines("status"):
        name, _, value = line.partition(b":")
        if name.decode() in found:
            found[name.decode()] = int(value.split()[0])
    return found


class Layout(ctypes.Structure):
    """struct prctl_mm_map of include/uapi/linux/prctl.h: where the parts of a program are."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("start_code", "end_code", "start_data", "end_data")),
        *((name, ctypes.c_uint64) for name in ("start_brk", "brk", "start_stack", "arg_start")),
        *((name, ctypes.c_uint64) for name in ("arg_end", "env_start", "env_end", "auxv")),
        ("auxv_size", ctypes.c_uint32),
        ("exe_fd", ctypes.c_uint32),
    )


def layout() -> Layout:
    """That of this process, with the break at the heap's start, and nothing else to change."""
    (line,) = lines("stat")
    after_name = line.rpartition(b")")[2].decode().split()
    value = ["", "", "", *after_name]  # so that the numbers are those of proc_pid_stat(5)
    code, data, rest = value[26:28], value[45:47], value[48:52]
    numbers = [*code, *data, value[47], value[47], value[28], *rest, "0", "0"]
    return Layout(*[int(number) for number in numbers], exe_fd=0xFFFFFFFF)


def lines(name: str) -> Iterator[bytes]:
    """The lines of a file of /proc/self, which the kernel writes while they are read."""
    with open(f"/proc/self/{name}", "rb", buffering=PAGE) as file:
        yield from file


def smaps(address: int) -> tuple[dict[str, int], bytes]:
    """Sizes and number of the VMAs in the slots, and the line of the VMA at `address`, or b""."""
    rss = anon = huge = vmas = 0
    line_at, inside = b"", False
    for line in lines("smaps"):
        name, _, value = line.partition(b":")
        if b"-" in name:  # 7f5c1000-7f5c3000 rw-p 00000000 00:00 0
            start, end = (int(number, 16) for number in name.split()[0].split(b"-"))
            if start >= SLOTS.stop and start > address:
                break  # the kernel would walk all tables of the interpreter for the rest
            inside = start in SLOTS
            vmas += inside
            if start <= address < end:
                line_at = line
        elif not inside:
            continue
        elif name == b"Rss":
            rss += int(value.split()[0])
        elif name == b"Anonymous":
            anon += int(value.split()[0])
        elif name in _HUGE:
            huge += int(value.split()[0])
    return {"rss_kb": rss, "anon_kb": anon, "huge_kb": huge, "vmas": vmas}, line_at


def own_memory() -> Iterator[tuple[int, int, int]]:
    """Start, length and populating advice of what the interpreter has mapped."""
    for line in lines("maps"):
        place, rights, _, _, _, *name = line.split()
        if b"r" not in rights or (name and name[0].startswith(b"[v")):  # vdso, vvar, vsyscall
            continue
        start, end = (int(number, 16) for number in place.split(b"-"))
        yield start, end - start, MADV_POPULATE_WRITE if b"w" in rights else MADV_POPULATE_READ


def gaps() -> list[tuple[int, int]]:
    """Where nothing is mapped, from the slots on up to the stack, which may grow."""
    found, at = [], SLOTS.stop
    for line in list(lines("maps")):
        start, end = (int(number, 16) for number in line.split()[0].split(b"-"))
        if b"[stack]" in line:
            break
        if start > at:
            found.append((at, start))
        at = max(at, end)
    return found


def pagemap(ranges: Iterable[tuple[int, int]], zero_pfn: int) -> dict[str, int | None]:
    """Entries present, of the zero page (None without its pfn), of files, and of swap type."""
    present = zero = files = swap = 0
    file = os.open("/proc/self/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    for start, end in ranges:
        while start < end:
            size = min(len(_words), (end - start) // PAGE * 8)
            size = os.preadv(file, [memoryview(_words)[:size]], start // PAGE * 8)
            if not size:
                break  # above every address of a process
            start += size // 8 * PAGE
            top_bytes = _words[7:size:8]
            if top_bytes.count(0) == len(top_bytes):
                continue  # most ranges are holes most of the time
            for word in memoryview(_words)[:size].cast("Q"):
                if word & _PRESENT:
                    present += 1
                    files += word & _FILE != 0
                    zero += word & _PFN == zero_pfn
                else:
                    swap += word & _SWAP != 0
    os.close(file)
    known_zero = zero if zero_pfn else None
    return {"present": present, "zeropg": known_zero, "filepg": files, "swap": swap}


def pfn(address: int) -> int:
    """The page that an address is mapped to; 0 if there is none, or if this user may not know."""
    return _word(address) & _PFN


def guarded(address: int) -> bool:
    """Whether a guard marker stands at an address. Linux says so since 6.15."""
    return _word(address) & _GUARD != 0


def _word(address: int) -> int:
    file = os.open("/proc/self/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    word = os.pread(file, 8, address // PAGE * 8)
    os.close(file)
    return int.from_bytes(word, "little")
