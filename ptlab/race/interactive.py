"""You are the scheduler: a race scene, and the schedule that you choose for it.

A schedule is a line of letters, one for each segment that a task has run. `position` is how far the
line has been played: going back is only looking, and running another task from there starts a new
line. Every moment is shown by running the scene again from its beginning. Scenes are small, and the
same schedule always ends alike.
"""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from ptlab.base.lines import wrapped
from ptlab.race.broken_rule import Verdict
from ptlab.race.moments import Moments
from ptlab.race.scenes import Scene, Variant, find
from ptlab.race.shown import end_of
from ptlab.schemes import ReclaimScheme, scheme_class
from ptlab.widgets.race_payload import RacePayload

MOST_KEPT = 8
"""How many lines that were left are remembered."""


class Race:
    """The tasks of a scene, run in the order you like. In JupyterLab: a widget with their columns.

    schedule  the line so far, one letter a segment ("R" is RCU, which ends a grace period)
    position  how many segments of it have run: 0 to len(schedule)
    kept      lines that were left for another one, the latest first
    """

    def __init__(self, scene: Scene, variant: Variant | str = "broken", schedule: str = "") -> None:
        """Set the stage of `scene` and run `schedule`. ValueError if it cannot run like that."""
        self.scene = scene
        self.variant = variant if isinstance(variant, Variant) else scene.variant(variant)
        self.how = variant if isinstance(variant, str) else f"under {self.variant.scheme.name}"
        self.schedule, self.position, self.kept = "", 0, list[str]()
        self.listeners: list[Callable[[], None]] = []
        """Called after each change; a widget that shows the race is one."""
        self._ends: dict[str, str] = {}
        self._moments = Moments(scene, self.variant)
        self._widget: Any = None
        self.play(schedule)

    # -- running --

    def run(self, letters: str) -> None:
        """Run these tasks, one segment for each letter, from the present position on.

        From an earlier moment this starts a new line; the old one is kept. ValueError, and nothing
        has changed, if one of them cannot run.
        """
        letters = _line(letters)
        line = self.schedule[: self.position] + letters
        if self.schedule.startswith(line):
            self.seek(len(line))
            return
        ahead = self.scene.run(self.schedule[: self.position], self.variant)
        for letter in letters:
            ahead.go(letter)
        self.play(line)

    def play(self, schedule: str) -> None:
        """Run this line from the beginning, up to a verdict. ValueError if it cannot run."""
        played = self.scene.run(_line(schedule), self.variant)
        self._keep(played.schedule)
        self.schedule, self.position = played.schedule, len(played.schedule)
        self._ends[self.schedule] = end_of(played)
        self._tell()

    def seek(self, position: int) -> None:
        """Look at an earlier or later moment of the line. ValueError if it has no such moment."""
        if not 0 <= position <= len(self.schedule):
            raise ValueError(f"position {position}: this line has 0 to {len(self.schedule)}")
        self.position = position
        self._tell()

    def back(self) -> None:
        """One segment back; at the beginning, stay."""
        self.seek(max(self.position - 1, 0))

    @property
    def verdict(self) -> Verdict | None:
        """What is broken at the end of the line; None if nothing is."""
        return self.scene.run(self.schedule, self.variant).verdict

    @property
    def enabled(self) -> str:
        """The letters of the tasks that can run from the present position on."""
        return self.scene.run(self.schedule[: self.position], self.variant).enabled()

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()

    def _keep(self, new: str) -> None:
        """The line is left for `new`: remember it, unless another line goes on from its end."""
        lines = [line for line in [self.schedule, *self.kept] if not new.startswith(line)]
        kept: list[str] = []
        for line in dict.fromkeys(lines):
            if not any(other != line and other.startswith(line) for other in lines):
                kept.append(line)
        self.kept = kept[:MOST_KEPT]

    # -- showing --

    def payload(self) -> RacePayload:
        """What the front end plays, as plain data; see ptlab/widgets/race_payload.py."""
        moments, story = self._moments.play(self.schedule)
        return {
            "scene": self.scene.name,
            "variant": self._variant_in_words(),
            "tasks": [
                {"letter": task.letter, "doing": task.doing}
                for task in self.scene.start(self.variant).tasks
            ],
            "schedule": self.schedule,
            "position": self.position,
            "kept": [{"schedule": line, "end": self._ends[line]} for line in self.kept],
            "moments": moments,
            "story": story,
        }

    def page(self) -> RacePayload:
        """The payload for a page without Python: if the race is small, with all its schedules."""
        return self._moments.with_graph(self.payload())

    def export_html(self, path: str | PathLike[str]) -> Path:
        """Write the race as one page that needs neither Python nor a network, to be played there.

        It opens at the end of the line, where the verdict is. The tasks of a race with more than
        ptlab.race.state_graph.MOST_STATES states cannot be run there: its page has this line only.
        """
        from ptlab.widgets import export_race

        title = self.scene.headline(self.variant, self.verdict)
        return export_race({**self.page(), "position": len(self.schedule)}, title, path)

    def export_perfetto(self, path: str | PathLike[str]) -> Path:
        """Write the line as a time line that ui.perfetto.dev opens, with a thread for each task."""
        from ptlab.story.perfetto import export_race

        return export_race(self.payload(), path)

    def __str__(self) -> str:
        race = self.payload()
        pane, moment = race["story"]["panes"][0], race["moments"][-1]
        tasks = [f"{task['letter']}: {task['doing']}" for task in race["tasks"]]
        segments = [
            wrapped(f"{one['fn']}{': ' if one['fn'] else ''}{one['text']}", f"{one['who']:2} ")
            for one in pane["segments"][1:]
        ]
        end = f"A rule is broken: {moment['verdict']}" if moment["verdict"] else _END[moment["end"]]
        head = f"{self.scene.name}, {race['variant']} ({pane['heading']})"
        return "\n".join([wrapped(head), *tasks, "", *segments, "", wrapped(end)])

    def __repr__(self) -> str:
        return f"<Race {self.scene.name!r}, {self.how}, schedule {self.schedule!r}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self._shown()._repr_mimebundle_(**kwargs)

    def _ipython_display_(self) -> None:
        from ptlab.widgets import display_in_notebook

        display_in_notebook(self._shown)

    def _shown(self) -> Any:
        """The widget, always the same one."""
        from ptlab.widgets import RaceScheduler

        if self._widget is None:
            self._widget = RaceScheduler(self)
        return self._widget

    def _variant_in_words(self) -> str:
        if self.how == "broken":
            return f"broken: {self.scene.missing}"
        return "fixed" if self.how == "fixed" else f"{self.how}, with every precaution in place"


def _line(schedule: str) -> str:
    """The letters of a schedule as a person has typed it."""
    if not isinstance(schedule, str):
        raise TypeError(f"schedule must be the letters of tasks, such as 'AAB', not {schedule!r}")
    return "".join(schedule.split()).upper()


def race(
    scene: str | Scene,
    variant: str = "broken",
    scheme: str | type[ReclaimScheme] | None = None,
    schedule: str = "",
) -> Race:
    """You are the scheduler of a race scene, by its name or your own; `ptlab races` lists the scenes.

    `variant` is "broken" (a precaution is missing) or "fixed"; with a `scheme` the scene runs under
    that, with every precaution in place. ValueError if there is no such scene, variant or scheme,
    and if `schedule` cannot run.

    >>> print(race("pmd-same", schedule="AAABBBBBBBBBAA").verdict)
    task A writes into PTE page 4, unhooked 4 steps ago: what it does is lost
    """
    found = scene if isinstance(scene, Scene) else find(scene)
    if scheme is None:
        return Race(found, variant, schedule)
    if not found.own_scheme:
        raise ValueError(
            f"scene {found.name} is about one design and makes no sense under another one"
        )
    return Race(found, found.under(scheme_class(scheme)), schedule)


_END = {
    "broken": "A rule is broken.",
    "done": "All tasks are done, and no rule is broken.",
    "open": "No rule is broken so far.",
}
