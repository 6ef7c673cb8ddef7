"""You are the scheduler: a widget with one column for each task of a race scene.

Each press runs one segment of one task. Going back runs the schedule again from its beginning, one
segment shorter: scenes are small, and the same schedule always ends alike.
"""

from __future__ import annotations

import re
from typing import Any

import anywidget
import traitlets

from ptlab.narrate import lock_name
from ptlab.scenes.base import Scene, Variant
from ptlab.tasks import RCU, Scheduler, Task
from ptlab.widgets.stepper import CSS, HERE, esm


def scheduler_esm() -> str:
    """The front end of the stepper, with the columns above it."""
    own = (HERE / "scheduler.mjs").read_text(encoding="utf-8")
    stepper = esm().replace("export default { render };", "")
    return stepper + re.sub(r"^import .*\n", "", own, flags=re.MULTILINE)


class RaceScheduler(anywidget.AnyWidget):
    """Run the tasks of `scene` in the order you like: `schedule` is what you have chosen so far.

    `state` is what the columns show, `payload` the story of the schedule, `kept` the schedules you
    want to come back to.
    """

    _esm = scheduler_esm()
    _css = CSS.read_text(encoding="utf-8") + (HERE / "scheduler.css").read_text(encoding="utf-8")
    schedule = traitlets.Unicode("").tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    payload = traitlets.Dict().tag(sync=True)
    kept = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(
        self, scene: Scene, variant: Variant | str = "broken", schedule: str = "", **traits: Any
    ) -> None:
        """Show `scene` after `schedule`."""
        self.scene, self.variant = scene, variant
        super().__init__(schedule=schedule, **traits)
        self._show()
        self.observe(self._show, "schedule")

    def run(self, letter: str) -> None:
        """Run one segment of the task `letter`; ValueError if it cannot run."""
        self.scene.run(self.schedule, self.variant).go(letter)
        self.schedule += letter

    def back(self) -> None:
        """Take the last segment back; at the beginning, stay."""
        self.schedule = self.schedule[:-1]

    def keep(self) -> None:
        """Remember the schedule, to come back to it and go on differently."""
        if self.schedule not in self.kept:
            self.kept = [*self.kept, self.schedule]

    def _show(self, change: Any = None) -> None:
        scheduler = self.scene.run(self.schedule, self.variant)
        if scheduler.schedule != self.schedule:
            self.schedule = scheduler.schedule  # cut at the verdict
            return
        self.payload = self.scene.story(self.schedule, self.variant).payload()
        self.state = {
            "title": self.scene.title,
            "tasks": [self._column(scheduler, task) for task in scheduler.tasks],
            "rcu": RCU in scheduler.enabled(),
            "waiting": len(scheduler.machine.rcu[0]),
            "verdict": scheduler.verdict,
            "done": not scheduler.enabled() and scheduler.verdict is None,
        }

    def _column(self, scheduler: Scheduler, task: Task) -> dict[str, Any]:
        """What one task's column shows."""
        mem = scheduler.machine.mem
        held = scheduler.machine.held[ord(task.letter) - ord("A")]
        can_run = task.letter in scheduler.enabled()
        return {
            "letter": task.letter,
            "doing": task.doing,
            "next": self._next(task.letter) if can_run else "",
            "holds": [lock_name(mem, lock) for lock in held],
            "blocked": None if scheduler.verdict else scheduler.why_blocked(task),
            "done": task.done,
            "enabled": can_run,
        }

    def _next(self, letter: str) -> str:
        """What the task's next segment will do: try it, on a machine of its own."""
        ahead = self.scene.run(self.schedule, self.variant)
        return ahead.tell(ahead.go(letter).step)

    def __repr__(self) -> str:
        return f"<RaceScheduler {self.scene.name!r}, schedule {self.schedule!r}>"
