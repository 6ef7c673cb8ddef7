"""A story: a recorded run, laid out once, that can be stepped through, exported and compared.

A story knows its steps, their sentences, and the payload that the front end plays (see timeline.py).
"""

from __future__ import annotations

from copy import copy
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from ptlab.base import pte
from ptlab.base.garbage import no_garbage
from ptlab.base.geometry import PTRS_PER_TABLE
from ptlab.base.lines import wrapped
from ptlab.draw.dot import HEIGHT
from ptlab.draw.glossary import as_words
from ptlab.draw.names import plural
from ptlab.draw.palette import as_data
from ptlab.draw.tree import node_id
from ptlab.process.calls import written
from ptlab.process.process import Process
from ptlab.scenario import Scenario, play, read
from ptlab.schemes import SCHEMES
from ptlab.state.journal import JournalFull
from ptlab.state.machine import GRAINS
from ptlab.story.code import Code
from ptlab.story.in_step import in_step
from ptlab.story.link import MOST_TABLES, Told, call_again, read_link, write_link
from ptlab.story.pane import columns, pane
from ptlab.story.perfetto import export_perfetto
from ptlab.story.timeline import Timeline
from ptlab.widgets.payload import SCHEMA, Pane, Payload

LONGEST = 120_000
"""Steps beyond which a story would be too heavy for a browser."""


class Moment(NamedTuple):
    """What a story shows first: a step, and the entries of a table (None: what the step is about)."""

    step: int = 0
    table: int | None = None
    entry: int = 0


class Story:
    """The recorded run of a process. `print` shows its sentences; in JupyterLab it is the stepper.

    scenario  the program that was played; None if somebody called the process
    moment    what it shows first, see at()
    """

    scenario: Scenario | None = None
    moment = Moment()

    def __init__(self, process: Process, title: str | None = None) -> None:
        """What `process` has done so far. ValueError if it kept no journal, or too long a one."""
        if process.journal is None:
            raise ValueError("this process keeps no journal: make it with Process(record=True)")
        if len(process.journal) > LONGEST:
            larger = "" if process.machine.grain == GRAINS[-1] else ", or use a coarser grain"
            raise ValueError(_too_long(f"touch less in it{larger}"))
        self.title = title or (
            process.journal.operations[0].text if process.journal.operations else ""
        )
        self.process = process
        here = process.journal.position
        with no_garbage():
            self._timeline = Timeline(process.machine, process.journal)
        self.steps = self._timeline.steps
        self.operations = [operation.text for operation in process.journal.operations]
        process.journal.seek(here)

    def __str__(self) -> str:
        lines, op = [self.heading], -1
        for number, step in enumerate(self.steps, 1):
            if step.op != op:
                op = step.op
                lines += ["", wrapped(self.operations[op])]
            lines.append(wrapped(step.text, f"{number:5}  "))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Story {self.title!r}, {_designs([self])}>"

    @property
    def heading(self) -> str:
        """'pte_refcount on Linux 6.1'."""
        return f"{self.process.scheme.name} on Linux {self.process.kernel}"

    def at(self, step: int, table: int | None = None, entry: int = 0) -> Story:
        """The same story, to be shown at `step` first: 0 is before anything has happened.

        With `table`, the pfn in its title, the entries of that table are shown and `entry` is
        selected. ValueError if the story has no such step or table, or a table no such entry.
        """
        if not 0 <= step <= len(self.steps):
            raise ValueError(f"step {step}: this story has steps 0 to {len(self.steps)}")
        if table is not None and table not in self._timeline.looks:
            raise ValueError(f"table {table}: this story has 0 to {max(self._timeline.looks)}")
        if not 0 <= entry < PTRS_PER_TABLE:
            raise ValueError(f"entry {entry}: a table has entries 0 to {PTRS_PER_TABLE - 1}")
        moved = copy(self)
        moved.moment = Moment(step, table, entry)
        return moved

    def link(self) -> str:
        """This story and its moment as one string for open_link(). ValueError if none can be."""
        machine, scheme = self.process.machine, self.process.scheme
        if SCHEMES.get(scheme.name) is not type(scheme):
            raise ValueError(
                f"a link carries no Python, so it cannot carry your own design {scheme.name}: hand on "
                "the page of story.export_html(path)"
            )
        played = scheme.name, machine.profile.name, machine.geometry.levels, machine.grain
        program = self.scenario or written(self.process)
        told = Told(program, *played, machine.swap, self.title, *self.moment)
        if self.scenario is None and str(_opened(told)) != str(self):
            raise ValueError(
                "a link carries calls of a Process, and they alone do not make this story: hand on the "
                "page of story.export_html(path)"
            )
        return write_link(told)

    def _stepper(self) -> Any:
        from ptlab.widgets import Stepper

        step, table, entry = self.moment
        picked = "" if table is None else node_id(table)
        return Stepper(self.payload(), position=step, picked=picked, entry=entry)

    def pane(self, code: Code) -> Pane:
        """This story's part of a payload: picture, steps and tracks. Its functions go into `code`."""
        return pane(self._timeline, self.operations, code)

    def payload(self, code: Code | None = None) -> Payload:
        """What the front end plays, as plain data; see ptlab/widgets/payload.py.

        Its functions go into `code`, if it is given.
        """
        with no_garbage():
            return _payload(self.title, [self], [[k] for k in range(len(self.steps) + 1)], code)

    def export_html(self, path: str | PathLike[str]) -> Path:
        """Write the stepper as one page that needs neither Python nor a network."""
        from ptlab.widgets import export_html

        with no_garbage():
            return export_html(self.payload(), path)

    def export_perfetto(self, path: str | PathLike[str]) -> Path:
        """Write the steps as a time line that ui.perfetto.dev opens; see perfetto.py."""
        return export_perfetto(self.payload(), path)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self._stepper()._repr_mimebundle_(**kwargs)

    def _ipython_display_(self) -> None:
        from ptlab.widgets import display_in_notebook

        display_in_notebook(self._stepper)


class Comparison:
    """The same scenario under several schemes, in step: operation by operation."""

    def __init__(self, title: str, stories: list[Story]) -> None:
        self.title, self.stories = title, stories

    def _stepper(self) -> Any:
        from ptlab.widgets import Stepper

        return Stepper(self.payload())

    def __str__(self) -> str:
        return "\n\n".join(str(story) for story in self.stories)

    def __repr__(self) -> str:
        return f"<Comparison {self.title!r}, {_designs(self.stories)}>"

    def payload(self) -> Payload:
        """What the front end plays: one pane for each story, one row of positions for each frame."""
        return _payload(self.title, self.stories, in_step([story.steps for story in self.stories]))

    export_html = Story.export_html
    export_perfetto = Story.export_perfetto
    _repr_mimebundle_ = Story._repr_mimebundle_
    _ipython_display_ = Story._ipython_display_


def story(
    scenario: str,
    scheme: Any = None,
    kernel: str | None = None,
    levels: int = 4,
    grain: str = "entry",
) -> Story:
    """Play a scenario (its text, or the name of a built-in one) and return its story.

    ValueError if it has no such name, is a bad text, or takes more than LONGEST steps; TypeError if
    it is not a string.

    >>> print(story("mmap s0 2M\\ntouch w s0 4K", scheme="unmap_only").steps[-2].text)
    pte_unmap_unlock: the PTE lock of PTE page 3 is dropped.
    """
    return tell(read(scenario), scheme, kernel, levels, grain)


def tell(found: Scenario, *how: Any, most: int | None = None) -> Story:
    """The story of a scenario that was read already; `how` is the rest of what story() takes.

    Of at most `most` tables, if that is given.
    """
    process = _played(found, *how, most=most)
    if process is None:
        *same, grain = how
        coarser = GRAINS[GRAINS.index(grain) + 1 :]
        fits = (g for g in coarser if _played(found, *same, g, most=most) is not None)
        larger = next((f'use larger steps (grain="{g}")' for g in fits), "touch less in it")
        raise ValueError(f"{found.name}: {_too_long(larger)}")
    made = Story(process, found.description)
    made.scenario = found
    return made


def _played(scenario: Scenario, *how: Any, most: int | None) -> Process | None:
    """The process after the scenario, with its journal; None if that has more than LONGEST steps."""
    process = Process(*how)
    assert process.journal is not None
    process.journal.most, process.machine.mem.most = LONGEST, most
    try:
        for _ in play(process, scenario):
            pass
    except JournalFull:
        return None
    process.journal.most = process.machine.mem.most = None
    return process


def _too_long(advice: str) -> str:
    return (
        f"the story has more than {LONGEST} steps, too many to step through: {advice}, or play it "
        "without keeping the steps, as `ptlab run`, ptlab.scenario.run() and "
        "ptlab.measure() do"
    )


def open_link(link: str) -> Story:
    """The story that Story.link() has made a string of, at the same moment. ValueError if it is none.

    >>> told = open_link("ptlab:story?scheme=unmap_only&step=2&text=mmap+s0+2M%0Atouch+w+s0+4K")
    >>> told.moment.step, told.heading
    (2, 'unmap_only on Linux 6.1')
    """
    return _opened(read_link(link))


def _opened(told: Told) -> Story:
    """The story that a link holds."""
    if isinstance(told.program, str):
        made = Story(call_again(told, LONGEST))
    else:
        made = tell(told.program, *told[1:5], most=MOST_TABLES)
    made.title = told.title or made.title
    return made.at(told.step, told.table, told.entry)


def compare(scenario: str, *schemes: Any, levels: int = 4, grain: str = "entry") -> Comparison:
    """Play a scenario under two (or more) schemes, each on its own kernel, to be stepped together."""
    if len(schemes) < 2:
        raise ValueError("compare needs two schemes or more, such as 'unmap_only', 'pte_refcount'")
    stories = [story(scenario, scheme, levels=levels, grain=grain) for scheme in schemes]
    return Comparison(stories[0].title, stories)


def _designs(stories: list[Story]) -> str:
    """'unmap_only on Linux 6.1, 52 steps; pte_refcount on Linux 6.1, 61 steps'."""
    return "; ".join(f"{story.heading}, {plural(len(story.steps), 'step')}" for story in stories)


def _payload(
    title: str, stories: list[Story], frames: list[list[int]], code: Code | None = None
) -> Payload:
    geometry, code = stories[0].process.machine.geometry, code or Code()
    panes = [story.pane(code) for story in stories]
    return {
        "schema": SCHEMA,
        "title": title,
        "panes": panes,
        "frames": frames,
        "flags": list(pte.FLAGS),
        "columns": columns(geometry),
        "box_height": HEIGHT,
        "functions": code.functions,
        "calls": code.calls,
        "palette": as_data(),
        "glossary": as_words(),
    }
