"""A scene: a few tasks on a prepared address space, in a broken and in a fixed variant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ptlab.guards import Guard
from ptlab.paths.access import touch
from ptlab.paths.madvise import MADV_DONTNEED, do_madvise
from ptlab.process import Process
from ptlab.schemes import ReclaimScheme
from ptlab.steps import Path
from ptlab.story import Story
from ptlab.tasks import Scheduler

Paths: TypeAlias = Mapping[str, Path[Any]]

PAGE = 4096
TABLE = 512 * PAGE
"""What one PTE page maps."""

BASE = 0x1000_0000_0000


@dataclass(frozen=True)
class Variant:
    """How a scene is run: a scheme, and the guards that are left out."""

    scheme: type[ReclaimScheme]
    without: frozenset[Guard] = frozenset()


@dataclass(frozen=True)
class Scene:
    """`prepare` sets the stage on a fresh process and returns the tasks by what they do.

    missing       what the broken variant lacks, in words
    kernel        the profile; older ones take mmap_lock where newer ones take a VMA's lock
    own_scheme    whether the scene makes sense under any scheme
    gather_pages  how many pages a zap collects before it breaks off to flush
    """

    name: str
    title: str
    missing: str
    prepare: Callable[[Process], Paths]
    fixed: Variant
    broken: Variant
    kernel: str = "6.18"
    own_scheme: bool = True
    gather_pages: int | None = field(default=None)

    def variant(self, name: str) -> Variant:
        """The variant called "broken" or "fixed"."""
        if name not in ("broken", "fixed"):
            raise ValueError(f"scene {self.name}: variant {name!r} must be 'broken' or 'fixed'")
        return self.broken if name == "broken" else self.fixed

    def under(self, scheme: type[ReclaimScheme]) -> Variant:
        """The scene with another scheme, and every guard that Linux has today."""
        return Variant(scheme, self.fixed.without - {Guard.PMD_SAME})

    def start(self, variant: Variant | str = "broken", record: bool = False) -> Scheduler:
        """The stage is set and nothing has run yet."""
        if isinstance(variant, str):
            variant = self.variant(variant)
        process = Process(variant.scheme, self.kernel, grain="table", record=record)
        if self.gather_pages is not None:
            process.machine.gather_pages = self.gather_pages
        return Scheduler(process, self.prepare(process), variant.without)

    def run(self, schedule: str, variant: Variant | str = "broken") -> Scheduler:
        """Run the scene as `schedule` says, for `verdict` and the state."""
        scheduler = self.start(variant)
        scheduler.run(schedule)
        return scheduler

    def story(self, schedule: str, variant: Variant | str = "broken") -> Story:
        """The same for the stepper."""
        scheduler = self.start(variant, record=True)
        verdict = scheduler.run(schedule)
        assert scheduler.process.journal is not None
        scheduler.process.journal.settle()
        return Story(scheduler.process, f"{self.title}. {schedule}: {verdict or 'all is well'}")


def write(process: Process, address: int) -> Path[Any]:
    """A program writes one byte."""
    return touch(process.mm, True, address, 1)


def read(process: Process, address: int) -> Path[Any]:
    """A program reads one byte."""
    return touch(process.mm, False, address, 1)


def dontneed(process: Process, address: int, length: int) -> Path[None]:
    """madvise(MADV_DONTNEED)."""
    return do_madvise(process.mm, address, length, MADV_DONTNEED)


def one_table(process: Process, *pages: int) -> int:
    """Map one table's worth of memory in a VMA that has an anon_vma, and write these pages."""
    heap = process.mmap(2 * TABLE, at=BASE)
    process.touch(heap + TABLE, PAGE)
    for page in pages:
        process.touch(heap + page * PAGE, PAGE)
    return heap
