"""A question that is answered first by the learner, and then by the engine.

>>> kb = Guess("How much?", lambda: 12, unit="kB")
>>> kb.answers  # nothing is computed, and nothing is sent, before somebody asks
{}
>>> kb.show_me()
>>> kb.answers
{'': 12}
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any, ClassVar
from weakref import WeakSet

import anywidget
import traitlets

from ptlab.widgets.front_end import runs_widgets
from ptlab.widgets.outputs import HasPage
from ptlab.widgets.page import STATIC, framed

_PAGE = Path(__file__).with_name("guess.html")
_WORDS = {True: "yes", False: "no"}


class Guess(HasPage, anywidget.AnyWidget):
    """One field to fill in, a field for each of `rows`, or a table of `rows` and `columns`.

    `answer` is called when the learner has answered or has asked to be shown. It returns a number
    (to which `unit` belongs), a bool, which is a yes or a no, or a word. With `rows` it returns one
    for each row, in their order or by name, and with `columns` one for each column in each of
    these. With `choices`, or if it is a `word`, the answer is text; otherwise it is a number, and
    what is no number is explained to the learner and not counted. One field with `choices` may have a
    `picture` of them, in HTML: a click on the element with `data-choice="2"` chooses the third.

    Two things are shown below the answers, and nobody can read them before. `more` is called after
    `answer`, and returns a text or something with an HTML view, such as the steps that led to it, or
    a list of these; `why` is the explanation, in HTML. The same question is asked in a page without
    Python, which then carries the answers that were computed when it was made.
    ValueError if there are columns and no rows, or a picture of no choices.
    """

    _esm = STATIC / "guess.js"
    _css = STATIC / "guess.css"
    question = traitlets.Unicode().tag(sync=True)
    unit = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Unicode().tag(sync=True)
    choices: list[str] = traitlets.List().tag(sync=True)  # type: ignore[assignment]
    picture = traitlets.Unicode().tag(sync=True)
    """HTML with one element for each choice that can be clicked: `data-choice` is its number."""
    rows: list[str] = traitlets.List().tag(sync=True)  # type: ignore[assignment]
    columns: list[str] = traitlets.List().tag(sync=True)  # type: ignore[assignment]
    given = traitlets.Dict().tag(sync=True)
    """What the learner has filled in: {row, or row and column: text}."""
    stage = traitlets.Unicode("asking").tag(sync=True)
    """"asking", "judged" once what was given is judged, or "shown" once the answers are shown."""
    wanted = traitlets.Bool(False).tag(sync=True)
    """Set by the view when it needs the answers."""
    answers = traitlets.Dict().tag(sync=True)
    details = traitlets.Unicode().tag(sync=True)
    """What `more` returned, in HTML, sent with the answers."""
    why = traitlets.Unicode().tag(sync=True)
    """The explanation, in HTML, sent with the answers."""
    problem = traitlets.Unicode().tag(sync=True)
    """Why the engine could not answer."""

    _open: ClassVar[bool] = False
    _all: ClassVar[WeakSet[Guess]] = WeakSet()

    def __init__(
        self,
        question: str,
        answer: Callable[[], Any],
        *,
        unit: str = "",
        word: bool = False,
        choices: Sequence[str] = (),
        picture: str = "",
        rows: Sequence[str] = (),
        columns: Sequence[str] = (),
        more: Callable[[], object] = str,
        why: str = "",
    ) -> None:
        """Ask `question`; nothing is filled in."""
        if columns and not rows:
            raise ValueError(f"Guess: the columns {list(columns)} need rows")
        if picture and (rows or not choices):
            raise ValueError("Guess: a picture belongs to one field with choices")
        self._answer, self._more, self._why = answer, more, why
        super().__init__(
            question=question,
            unit=unit,
            kind="choice" if choices else "word" if word else "number",
            choices=list(choices),
            picture=picture,
            rows=list(rows),
            columns=list(columns),
        )
        self.observe(self._asked, "wanted")
        self.observe(lambda _: self._show_page_again(), "stage")
        self._all.add(self)
        if Guess._open:
            self.show_me()

    def show_me(self) -> None:
        """Show the answers, as the button does."""
        self.wanted = True
        if self.answers:
            self.stage = "shown"

    def __repr__(self) -> str:
        """For viewers that run no widgets; without the answers."""
        return f"<a question: {self.question} Answer it in JupyterLab.>"

    def _asked(self, change: Any) -> None:
        if not change["new"] or self.answers:
            return
        try:
            answers = self._computed()
            self.details, self.why = _as_html(self._more()), self._why
            self.answers, self.problem = answers, ""
        except Exception as failed:  # whatever the learner's own cells have done to it
            first = "run the cells above first; " if isinstance(failed, NameError) else ""
            self.problem = f"{first}{type(failed).__name__}: {failed}"
            self.wanted = False

    def _computed(self) -> dict[str, float | str]:
        """The answers by the name of their field. ValueError if one does not fit the question."""
        found = self._answer()
        if not self.rows:
            return {"": self._fitting("", found)}
        rows = _named(self.rows, found)
        if not self.columns:
            return {row: self._fitting(row, rows[row]) for row in self.rows}
        return {
            f"{row}: {column}": self._fitting(row, _named(self.columns, rows[row])[column])
            for row in self.rows
            for column in self.columns
        }

    def _fitting(self, field: str, answer: Any) -> float | str:
        plain = answer.item() if hasattr(answer, "item") else answer  # numpy's numbers
        plain = _WORDS[plain] if isinstance(plain, bool) else plain
        expected = {"number": int | float, "word": str, "choice": str}[self.kind]
        if not isinstance(plain, expected):
            raise ValueError(f"{field or 'the answer'} is {plain!r}, which is no {self.kind}")
        if self.choices and plain not in self.choices:
            raise ValueError(f"{field or 'the answer'} is {plain!r}, not one of {self.choices}")
        return plain

    def _page(self) -> str:
        """The question where no Python is. It has answers if it was made for such a page.

        A notebook that is saved while a kernel lives shows what was answered so far, and no more.
        """
        if not runs_widgets():
            self.wanted = True
        asked = "question", "unit", "kind", "choices", "picture", "rows", "columns"
        told = "given", "stage", "answers", "details", "why", "problem"
        state = {name: getattr(self, name) for name in (*asked, *told)}
        page = Template(_PAGE.read_text(encoding="utf-8")).substitute(
            title=escape(self.question),
            css=(STATIC / "guess.css").read_text(encoding="utf-8"),
            esm=(STATIC / "guess.js").read_text(encoding="utf-8"),
            state=base64.b64encode(json.dumps(state).encode()).decode(),  # no answer in clear
        )
        return framed(page, self.question, f"<p>{escape(self.question)}</p>")


def _as_html(thing: Any) -> str:
    if isinstance(thing, list):
        return "".join(map(_as_html, thing))
    view = getattr(thing, "_repr_html_", None)
    if view is not None:
        return str(view())
    text = str(thing)
    return f"<pre>{escape(text)}</pre>" if text else ""


def _named(names: Sequence[str], found: Any) -> Mapping[str, Any]:
    """Answers by name. ValueError if there is not one for each name."""
    by_name = found if isinstance(found, Mapping) else dict(zip(names, found, strict=True))
    if list(by_name) != list(names):
        raise ValueError(f"there are answers for {list(by_name)}, not for {list(names)}")
    return by_name


def open_all() -> None:
    """For teachers: show the answers of all questions, those that are there and those to come."""
    Guess._open = True
    for one in list(Guess._all):
        one.show_me()
