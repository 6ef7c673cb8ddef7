"""A table to fill in before its answers are revealed. Plain ipywidgets, no front end of its own.

>>> table = Predict({"after munmap": {"unmap_only": 0, "pt_reclaim": 0}}, unit="kB")
>>> table.guess("after munmap", "unmap_only", "12 kB")
>>> table.reveal()
>>> table.result
'0 right of 1 filled in; there are 2 cells.'

The answers are what the caller has computed, so a cell never holds a number that somebody typed in.
They go to the browser only when they are revealed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import ipywidgets  # type: ignore[import-untyped]

from ptlab.widgets.choice import choice, choice_style
from ptlab.widgets.outputs import HasPage
from ptlab.widgets.predict_page import predict_page

Answer = int | float | str


class Predict(HasPage, ipywidgets.VBox):
    """Rows and columns of guesses, and a button that shows the answers beside them.

    `answers` is {row: {column: answer}}, the same columns in each row. An answer is a number, to
    which `unit` belongs, or a word. With `choices`, guesses are picked from a list instead of
    typed. ValueError if a row has other columns, or an answer is not among the choices.
    """

    def __init__(
        self,
        answers: Mapping[str, Mapping[str, Answer]],
        unit: str = "",
        choices: Sequence[str] = (),
    ) -> None:
        """Show the table, empty."""
        self._choices = list(choices)
        self._answers, self._unit = {row: dict(cells) for row, cells in answers.items()}, unit
        self._columns = list(next(iter(self._answers.values()), {}))
        self._refuse_what_does_not_fit(choices)
        self._guesses: dict[tuple[str, str], ipywidgets.DOMWidget] = {
            (row, column): _field(f"{row}: {column}", choices)
            for row in self._answers
            for column in self._columns
        }
        # Room for the longest answer from the beginning, so that revealing it moves nothing.
        longest = max(map(len, choices), default=9)  # "102604 kB"; the answers are not sent yet
        room = {"width": f"{5.6 + 0.6 * longest:g}em"}
        self._answer_cells = {key: ipywidgets.HTML(layout=room) for key in self._guesses}
        self._button = ipywidgets.Button(description="Reveal", button_style="primary")
        self._button.on_click(self._pressed)
        self._status = ipywidgets.HTML()
        self.revealed = False
        bar = ipywidgets.HBox([self._button, self._status], layout={"margin": "8px 0 0 0"})
        super().__init__([self._grid(), bar, choice_style()], layout={"overflow": "auto"})

    def guess(self, row: str, column: str, value: str) -> None:
        """Fill in one cell, as typing does. KeyError if there is no such cell."""
        self._guesses[row, column].value = value

    def reveal(self) -> None:
        """Show the answers, and at each guess whether it was right."""
        self.revealed = True
        for (row, column), cell in self._answer_cells.items():
            answer, field = self._answers[row][column], self._guesses[row, column]
            field.disabled = True  # the score below is of these guesses
            guess = field.value.strip()
            shown = escape(self._shown(answer))
            right = _same(guess, answer, self._unit)
            said = f"{'&#x2717; ' if guess else ''}answer: <b>{shown}</b>"
            cell.value = _line("&#x2713; right" if right else said)
        self._button.description = "Start again"
        self._say(self.result)

    def hide(self) -> None:
        """Empty the table: answers and guesses go."""
        self.revealed = False
        for key, cell in self._answer_cells.items():
            cell.value = self._guesses[key].value = ""
            self._guesses[key].disabled = False
        self._button.description, self._status.value = "Reveal", ""

    @property
    def result(self) -> str:
        """How many guesses are right, in words."""
        given = {key: field.value for key, field in self._guesses.items() if field.value.strip()}
        right = sum(
            _same(guess, self._answers[row][column], self._unit)
            for (row, column), guess in given.items()
        )
        return f"{right} right of {len(given)} filled in; there are {len(self._guesses)} cells."

    def __repr__(self) -> str:
        """For viewers that run no widgets; without the answers."""
        return f"<a table of {len(self._guesses)} guesses: fill it in JupyterLab, then Reveal>"

    def _shown(self, answer: Answer) -> str:
        return f"{answer} {self._unit if _is_number(answer) else ''}".strip()

    def _page(self) -> str:
        """The table to fill in where no Python is: it shows the answers, and judges nothing."""
        answers = {
            row: {column: self._shown(answer) for column, answer in cells.items()}
            for row, cells in self._answers.items()
        }
        return predict_page(answers, self._unit, self._choices)

    def _pressed(self, _: object) -> None:
        if self.revealed:
            self.hide()
        elif any(field.value.strip() for field in self._guesses.values()):
            self.reveal()
        else:
            self._say("Fill in at least one cell first. A wrong guess is fine: it teaches most.")

    def _say(self, text: str) -> None:
        self._status.value = f'<span role="status">{text}</span>'

    def _refuse_what_does_not_fit(self, choices: Sequence[str]) -> None:
        for row, cells in self._answers.items():
            if list(cells) != self._columns:
                raise ValueError(f"row {row!r} has the columns {list(cells)}, not {self._columns}")
            for column, answer in cells.items():
                if choices and answer not in choices:
                    raise ValueError(
                        f"{row!r}, {column!r}: the answer {answer!r} is not one of {list(choices)}"
                    )

    def _grid(self) -> ipywidgets.GridBox:
        cells = [_head("")]
        cells += [
            _head(f"{name}{f', {self._unit}' if self._unit else ''}") for name in self._columns
        ]
        for row in self._answers:
            cells.append(_head(row))
            for column in self._columns:
                key = row, column
                pair = [self._guesses[key], self._answer_cells[key]]
                cells.append(ipywidgets.HBox(pair, layout={"flex_flow": "row wrap"}))
        # Where there is little room, an answer goes below its guess, and the name of a row wraps.
        columns = (
            f"minmax(9em, auto) repeat({len(self._columns)}, minmax(min-content, max-content))"
        )
        return ipywidgets.GridBox(
            cells,
            layout={"grid_template_columns": columns, "grid_gap": "2px 14px", "width": "100%"},
        )


def _head(text: str) -> ipywidgets.HTML:
    return ipywidgets.HTML(_line(f"<b>{escape(text)}</b>"))


def _line(html: str) -> str:
    """Text beside a field: ipywidgets makes each line as high as a field, also those that wrap."""
    return f'<div style="line-height:1.35;padding:5px 0">{html}</div>'


def _field(name: str, choices: Sequence[str]) -> ipywidgets.DOMWidget:
    """An input with a label that only a screen reader meets: its row and column say it to others."""
    label = {"description": name, "style": {"description_width": "0px"}}
    if choices:
        options = [("", ""), *((word, word) for word in choices)]
        return choice(options=options, value="", layout={"width": "max-content"}, **label)
    return ipywidgets.Text(layout={"width": "6em"}, **label)


def _is_number(answer: Answer) -> bool:
    return isinstance(answer, int | float) and not isinstance(answer, bool)


def _same(guess: str, answer: Answer, unit: str) -> bool:
    """Whether a guess as it was typed means the answer: '1 024 kB', '1,024' and '1024' do."""
    if not _is_number(answer):
        return guess.strip().casefold() == str(answer).casefold()
    plain = guess.strip().removesuffix(unit).replace(",", "").replace(" ", "")
    try:
        return abs(float(plain) - float(answer)) < 1e-9
    except ValueError:
        return False
