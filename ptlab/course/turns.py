"""A race in turns that are told in words, as a notebook tells them."""

from __future__ import annotations

from ptlab.base.steps import Kind, Step
from ptlab.race.scenes import Scene, find
from ptlab.race.scheduler import Scheduler

Done = list[tuple[str, Step | None, str]]


def play(scene: str | Scene, variant: str, *turns: tuple[str, str]) -> tuple[Scheduler, Done]:
    """Run the tasks of a scene in turns; return the scheduler and each step with its sentence.

    A turn is a task's letter and words: the task runs until a sentence has these words, or, without
    words, as far as it can. ValueError if no sentence of the task has them.
    """
    scheduler = (find(scene) if isinstance(scene, str) else scene).start(variant)
    done: Done = []
    for letter, words in turns:
        while letter in scheduler.enabled():
            step = scheduler.go(letter).step
            done.append((letter, step, scheduler.tell(step)))
            if words and words in done[-1][2]:
                break
        else:
            if words:
                raise ValueError(f"play: task {letter} comes to no step that says {words!r}")
    return scheduler, done


def who_frees(done: Done, table: int) -> str:
    """The letter of the task that takes `table` out of the tree, or "nobody"."""
    for letter, step, _ in done:
        if step and step.kind is Kind.UNHOOK and step.tables == table:
            return letter
    return "nobody"
