"""What root sets of huge pages: the pool of hugetlb, and who gets transparent ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Self

from ptlab.base.geometry import PMD_SIZE, PUD_SIZE
from ptlab.process.process import SHMEM_MODES, THP_MODES, Process
from ptlab.scenario.line import Line
from ptlab.scenario.operation import Call, Operation, Stage, SystemCall

HUGETLB_SIZES = {"hugetlb2M": PMD_SIZE, "hugetlb1G": PUD_SIZE}
"""The words of the language, and the size of a page in bytes."""

_MAP_HUGE_SHIFT = 26


def hugetlb_size_bits(size: int) -> int:
    """MAP_HUGE_2MB, MAP_HUGE_1GB, MFD_HUGE_2MB ...: log2 of the size, in bits 26 to 31."""
    return size.bit_length() - 1 << _MAP_HUGE_SHIFT


@dataclass(frozen=True, slots=True)
class HugePages(Operation):
    """How many huge pages of one size the machine keeps in its pool.

    lost  promises that the machine has given before, and keeps: the count is higher by as many
    """

    verb = "hugepages"
    usage = "hugepages 2M|1G COUNT"
    meaning = (
        "Have COUNT huge pages of this size in the machine's pool (nr_hugepages). To record it takes "
        "root, and puts the number back."
    )
    example = "hugepages 2M 2\nmmap s0 4M hugetlb2M\ntouch w s0 4M 2M"

    size: int
    count: int
    lost: int = 0

    @classmethod
    def read(cls, line: Line) -> Self:
        """A size and a number."""
        size = HUGETLB_SIZES["hugetlb" + line.choice(["2M", "1G"])]
        return cls(*line.place, size, line.number("COUNT"))

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """No system call: a setting of the machine."""
        yield partial(process.hugepages, self.count, self.size)
        process.machine.hugetlb.hstates[self.size].reserve(self.lost)

    def system_calls(self) -> list[SystemCall]:
        """A write to the setting."""
        return [["hugepages", self.size, self.count]]

    @property
    def huge_page_size(self) -> int:
        """Of the pool."""
        return self.size

    @property
    def reach(self) -> int:
        """A whole page."""
        return self.size

    @property
    def pool_bytes(self) -> int:
        """Of all its pages."""
        return self.size * self.count


@dataclass(frozen=True, slots=True)
class ThpSetting(Operation):
    """A write to a file of /sys/kernel/mm/transparent_hugepage."""

    setting: ClassVar[str]
    modes: ClassVar[tuple[str, ...]]

    mode: str

    @classmethod
    def read(cls, line: Line) -> Self:
        """One of the modes."""
        return cls(*line.place, line.choice(cls.modes))

    def calls(self, process: Process, stage: Stage) -> Iterator[Call]:
        """No system call: a setting of the machine, and a method with the name of the operation."""
        yield partial(getattr(process, self.verb), self.mode)

    def system_calls(self) -> list[SystemCall]:
        """A write to the setting."""
        return [["set_thp", self.setting, self.mode]]


class ThpEnabled(ThpSetting):
    """Who gets huge pages of private memory."""

    __slots__ = ()
    verb = "thp_enabled"
    usage = "thp_enabled always|madvise|never"
    meaning = (
        "Which private memory gets huge pages at a fault: all, what asks for it (as at the start), or "
        "none. To record it takes root, and puts the setting back."
    )
    example = "thp_enabled always\nmmap s0 2M keepthp\ntouch w s0 4K"
    setting, modes = "enabled", THP_MODES


class ShmemEnabled(ThpSetting):
    """Who gets huge pages of shared memory."""

    __slots__ = ()
    verb = "shmem_enabled"
    usage = "shmem_enabled always|within_size|advise|never"
    meaning = (
        "Which shared memory and memfds get huge pages at a fault: all, what lies within the size of "
        "its file or asks for it, what asks for it, or none (as at the start). To record it takes root, "
        "and puts the setting back."
    )
    example = "shmem_enabled advise\nmmap s0 2M shared thp\ntouch w s0 4K"
    setting, modes = "shmem_enabled", SHMEM_MODES
