"""What one asks about the locks of a race: which a call takes, and which another task waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ptlab.base.facts import Lock
from ptlab.base.steps import Kind, Step
from ptlab.draw.names import lock_name
from ptlab.paths.gup import gup_fast
from ptlab.paths.mmap import do_munmap
from ptlab.paths.truncate import do_truncate
from ptlab.process.process import Process
from ptlab.race.scenes import Scene, Variant, find
from ptlab.race.scenes.scene import BASE, PAGE, TABLE, dontneed, write
from ptlab.schemes import SCHEMES

_USES: dict[str, Callable[..., Any]] = {
    "page fault": lambda p, file, area: write(p, area + PAGE),
    "MADV_DONTNEED": lambda p, file, area: dontneed(p, area, PAGE),
    "munmap": lambda p, file, area: do_munmap(p.mm, area, TABLE),
    "truncate": lambda p, file, area: do_truncate(p.machine, file, 0),
    "GUP-fast": lambda p, file, area: gup_fast(p.mm, area),
}
"""What tasks do with a file that is mapped at `area`."""
_NAMED = {"vma_lock": "the VMA's lock", "folio_lock": "the page's lock"}


def lock_steps(scene: str, letter: str) -> list[tuple[str, int]]:
    """Each step in which a task, alone in its scene, takes or drops a lock; how many it holds then."""
    scheduler, told = find(scene).start("fixed"), []
    number = next(k for k, task in enumerate(scheduler.tasks) if task.letter == letter)
    while letter in scheduler.enabled():
        step = scheduler.go(letter).step
        if step and isinstance(step.fact, Lock) and step.kind in (Kind.LOCK, Kind.UNLOCK):
            verb = "takes" if step.kind is Kind.LOCK else "drops"
            how = " (trylock)" if step.fact.mode == "trylock" else ""
            name = lock_name(scheduler.machine.mem, step.fact)
            told.append((f"{verb} {name}{how}", len(scheduler.machine.held[number])))
    return told


def waits_for(first: str, second: str, kernel: str) -> str:
    """What the second task waits for when the first has looked up the PTE page of a mapped file.

    Both are page fault, MADV_DONTNEED, munmap, truncate or GUP-fast, under unmap_only. KeyError for
    others.
    """

    def prepare(process: Process) -> dict[str, Any]:
        file = process.file(2 * PAGE, filled=True)
        area = process.mmap(TABLE, at=BASE, shared=True, file=file)
        process.touch(area, PAGE)
        return {name: _USES[name](process, file, area) for name in (first, second)}

    plain = Variant(SCHEMES["unmap_only"])
    scene = Scene("pair", f"{first} and {second}", "", prepare, plain, plain, kernel)
    scheduler, step = scene.start("fixed"), None
    while not _finds_table(step):
        step = scheduler.go("A").step
    while "B" in scheduler.enabled():
        scheduler.go("B")
    wants = scheduler.tasks[1].wants
    return _NAMED.get(wants.name, wants.name) if wants else "nothing"


def _finds_table(step: Step | None) -> bool:
    """Whether a task looks at the PTE page in this step, or takes its lock."""
    if step is None:
        return False
    locks = isinstance(step.fact, Lock) and step.fact.name == "ptl"
    return locks or step.kind is Kind.LOOK
