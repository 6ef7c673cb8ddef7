"""A scene: a few tasks on a prepared address space, in a broken and in a fixed variant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ptlab.base.facts import Unhooked
from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.access import touch
from ptlab.paths.madvise import MADV_DONTNEED, do_madvise
from ptlab.process.process import Process
from ptlab.race.broken_rule import Verdict
from ptlab.race.mistakes import ends_soon, refuse_what_is_no_task
from ptlab.race.scheduler import Scheduler
from ptlab.schemes import ReclaimScheme
from ptlab.story.story import Story

Paths: TypeAlias = Mapping[str, Path[Any]]

PAGE = 4096
TABLE = 512 * PAGE
"""What one PTE page maps."""

BASE = 0x1000_0000_0000

OF_ITS_TIME = frozenset({Precaution.PMD_SAME})
"""What kernels before 6.5 did not have."""


@dataclass(frozen=True)
class Variant:
    """How a scene is run: a scheme, and the precautions that are left out.

    lock_order  whether a lock order that could end in a deadlock is a failure; False lets tasks go on,
                into the deadlock
    """

    scheme: type[ReclaimScheme]
    without: frozenset[Precaution] = frozenset()
    lock_order: bool = True


@dataclass(frozen=True)
class Trial:
    """What a scene puts to the test, as a step that must be taken in some schedule.

    what  in words, after "in some schedule"
    kind  the kind of step
    own   whether only the design's own steps count: not free_pgtables() of munmap, not a collapse
    """

    what: str
    kind: str
    own: bool = False

    def taken(self, step: Step | None) -> bool:
        """Whether `step` is such a step."""
        if step is None or step.kind != self.kind:
            return False
        return not (self.own and (step.fn in _FREE_PGTABLES or step.fact == Unhooked(True)))


_FREE_PGTABLES = ("free_pte_range", "free_pmd_range", "free_pud_range")

FREES = Trial("the design frees a table", Kind.UNHOOK, own=True)
UNMAPS = Trial("a table is freed", Kind.UNHOOK)
INSTALLS = Trial("a table is installed", Kind.INSTALL)
SETS = Trial("an entry is set", Kind.SET)
CLEARS = Trial("an entry is cleared", Kind.CLEAR)


@dataclass(frozen=True)
class Scene:
    """`prepare` sets the stage on a fresh process and returns the tasks by what they do.

    missing       what the broken variant lacks, in words
    kernel        the profile; older ones take mmap_lock where newer ones take a VMA's lock
    own_scheme    whether the scene makes sense under any scheme
    gather_pages  how many pages a zap collects before it breaks off to flush
    trial         what must happen in some schedule, or nothing has been put to the test
    weak          whether stores may be seen late, and MMUs have paging-structure caches
    source        the bug that really happened: its commit, its CVE; "" if there was none
    """

    name: str
    title: str
    missing: str
    prepare: Callable[[Process], Paths]
    fixed: Variant
    broken: Variant
    kernel: str = "6.18"
    own_scheme: bool = True
    gather_pages: int | None = None
    trial: Trial = FREES
    weak: bool = False
    source: str = ""

    def variant(self, name: str) -> Variant:
        """The variant called "broken" or "fixed"."""
        if name not in ("broken", "fixed"):
            raise ValueError(f"scene {self.name}: variant {name!r} must be 'broken' or 'fixed'")
        return self.broken if name == "broken" else self.fixed

    def under(self, scheme: type[ReclaimScheme]) -> Variant:
        """The scene with another scheme, and every precaution that Linux takes today."""
        return Variant(scheme, self.fixed.without - OF_ITS_TIME)

    def start(self, variant: Variant | str = "broken", record: bool = False) -> Scheduler:
        """The stage is set and nothing has run yet."""
        if isinstance(variant, str):
            variant = self.variant(variant)
        process = Process(variant.scheme, self.kernel, grain="table", record=record)
        if self.gather_pages is not None:
            process.machine.gather_pages = self.gather_pages
        with ends_soon(process, self.name):
            paths = self.prepare(process)
        refuse_what_is_no_task(self.name, paths)
        return Scheduler(process, paths, variant.without, variant.lock_order, self.weak)

    def run(self, schedule: str, variant: Variant | str = "broken") -> Scheduler:
        """Run the scene as `schedule` says, for `verdict` and the state."""
        scheduler = self.start(variant)
        scheduler.run(schedule)
        return scheduler

    def story(self, schedule: str, variant: Variant | str = "broken") -> Story:
        """The same as a story for the stepper."""
        scheduler = self.start(variant, record=True)
        verdict = scheduler.run(schedule)
        assert scheduler.process.journal is not None
        scheduler.process.journal.settle()
        return Story(scheduler.process, self.headline(variant, verdict))

    def headline(self, variant: Variant | str, verdict: Verdict | None) -> str:
        """'pmd-same (broken) under pt_reclaim: task A writes into PTE page 4, unhooked 4 steps ago'.

        "(broken)" says that a precaution is missing, which is not the scheme's fault.
        """
        if isinstance(variant, str):
            variant = self.variant(variant)
        broken = " (broken)" if variant == self.broken else ""
        found = verdict.headline if verdict else "no rule is broken"
        return f"{self.name}{broken} under {variant.scheme.name}: {found}"


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


def fault_and_zap(length: int, process: Process) -> Paths:
    """Page 0 is there. One task writes page 1, another drops the first `length` bytes."""
    heap = one_table(process, 0)
    return {
        "write page 1": write(process, heap + PAGE),
        f"DONTNEED {_name(length)}": dontneed(process, heap, length),
    }


def two_zaps(length: int, process: Process) -> Paths:
    """Pages 0 and 1 are there. Two tasks drop one page each, or both drop the whole table."""
    heap = one_table(process, 0, 1)
    if length == TABLE:
        second = "DONTNEED it too", dontneed(process, heap, TABLE)
    else:
        second = "DONTNEED page 1", dontneed(process, heap + PAGE, PAGE)
    return {f"DONTNEED {_name(length)}": dontneed(process, heap, length), second[0]: second[1]}


def _name(length: int) -> str:
    return "the table" if length == TABLE else "page 0"


def before_6_5(
    name: str,
    title: str,
    missing: str,
    prepare: Callable[[Process], Paths],
    scheme: type[ReclaimScheme],
    broken: type[ReclaimScheme] | None = None,
    without: Precaution | None = None,
    own_scheme: bool = True,
    trial: Trial = FREES,
) -> Scene:
    """A scene on Linux 6.1, where no path checked the PMD entry again under the PTE lock.

    The broken variant has another scheme, or lacks a precaution.
    """
    lacks = OF_ITS_TIME | ({without} if without else set())
    return Scene(
        name,
        title,
        missing,
        prepare,
        Variant(scheme, OF_ITS_TIME),
        Variant(broken or scheme, lacks),
        kernel="6.1",
        own_scheme=own_scheme,
        trial=trial,
    )
