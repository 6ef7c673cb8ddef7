"""A table to fill in as a page that needs no Python. It shows the answers; the learner compares."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from ptlab.widgets.page import framed

_PAGE = Path(__file__).with_name("predict.html")
_TITLE = "A table to fill in"


def predict_page(
    answers: Mapping[str, Mapping[str, str]], unit: str, choices: Sequence[str]
) -> str:
    """{row: {column: answer}} as a page in a frame. The answers are in it, but not in clear."""
    columns = list(next(iter(answers.values()), {}))
    heads = "".join(
        f"<th>{escape(name)}{f', {escape(unit)}' if unit else ''}</th>" for name in columns
    )
    rows = [f"<tr><th></th>{heads}</tr>"]
    for row in answers:
        cells = "".join(
            f"<td>{_field(f'{row}: {column}', choices)}<b></b></td>" for column in columns
        )
        rows.append(f"<tr><th>{escape(row)}</th>{cells}</tr>")
    flat = [answer for cells in answers.values() for answer in cells.values()]
    page = Template(_PAGE.read_text(encoding="utf-8")).substitute(
        title=_TITLE,
        rows="".join(rows),
        answers=base64.b64encode(json.dumps(flat).encode()).decode(),
    )
    empty = "".join(
        f"<tr><th>{escape(row)}</th>{'<td></td>' * len(columns)}</tr>" for row in answers
    )
    return framed(page, _TITLE, f"<table><tr><th></th>{heads}</tr>{empty}</table>")


def _field(name: str, choices: Sequence[str]) -> str:
    label = f'aria-label="{escape(name)}"'
    if not choices:
        return f"<input type=text {label}>"
    options = "".join(f"<option>{escape(word)}</option>" for word in ("", *choices))
    return f"<select {label}>{options}</select>"
