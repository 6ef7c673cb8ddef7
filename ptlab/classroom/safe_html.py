"""What a student has written is shown in the feedback and in the formgrader: without scripts.

The formgrader shows it in the teacher's browser, where a script could give points to anybody. So HTML
keeps a few tags, Markdown fewer and no links, and of what is noted about a notebook and its cells only
what grading needs is left.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterator
from html import escape
from typing import Any

import bleach  # type: ignore[import-untyped]

_TAGS = frozenset(
    (
        *("b", "br", "code", "details", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i"),
        *(
            "kbd",
            "li",
            "ol",
            "p",
            "pre",
            "small",
            "span",
            "strong",
            "sub",
            "summary",
            "sup",
            "table",
        ),
        *("tbody", "td", "th", "thead", "tr", "ul"),
    )
)
_ATTRIBUTES = {"td": ["colspan", "rowspan"], "th": ["colspan", "rowspan"]}
_ANY_TAG = re.compile(r"<(/?)([a-z!?][^\s/>]*)")
_MOST_MARKS, _MOST_OPEN = 5000, 200
"""Tags and entities in one output, and tags that are open at once. More is shown as text."""
_TAG = re.compile(r"<(?!/?(?:details|summary|br|sub|sup|b|i) */?>)(?=[A-Za-z/!?])")
_LINK = re.compile(r"\](?=[(:])")
"""What stands before the target of a link: `](` or `]:`. Targets hide scripts in many ways."""
_IN_MATHS = re.compile(r"\\(href|class|cssId|data|mmlToken|style|unicode|require)\b")
"""Words of TeX by which MathJax makes links and attributes."""
_OF_A_CELL = ("nbgrader", "deletable", "editable")
_OF_A_NOTEBOOK = ("ptlab",)
_PYTHON = {
    "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    "language_info": {"name": "python", "file_extension": ".py", "pygments_lexer": "ipython3"},
}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def html(text: str) -> str:
    """HTML with nothing in it that runs or loads anything. A drawing becomes a picture of it."""
    return "".join(
        _as_picture(part) if drawn else _clean(part) for drawn, part in _parts(text) if part
    )


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """The text in pieces: whether it is a drawing, and the piece. Each character is looked at once."""
    lower, done = text.lower(), 0
    while (begin := lower.find("<svg", done)) >= 0 and (end := lower.find("</svg>", begin)) >= 0:
        yield False, text[done:begin]
        done = end + len("</svg>")
        yield True, text[begin:done]
    yield False, text[done:]


def _clean(text: str) -> str:
    if _too_much(text):
        return f"<pre>{escape(text)}</pre>"
    clean: str = bleach.clean(_IN_MATHS.sub(r"\1", text), tags=_TAGS, attributes=_ATTRIBUTES)
    return clean


def _too_much(text: str) -> bool:
    """Whether bleach would take long: its time grows with the square of these numbers."""
    if text.count("<") + text.count("&") > _MOST_MARKS:
        return True
    still_open, deepest = Counter[str](), 0
    for number, (closes, name) in enumerate(_ANY_TAG.findall(text.lower()), 1):
        still_open[name] = max(0, still_open[name] + (-1 if closes else 1))
        deepest = max(deepest, still_open.total() if number % 64 == 0 else 0)
    return max(deepest, still_open.total()) > _MOST_OPEN


def _as_picture(drawing: str) -> str:
    """In <img> an SVG runs no script and loads nothing (SVG 2, "Secure static mode")."""
    if "xmlns=" not in drawing.partition(">")[0]:
        drawing = f'<svg xmlns="http://www.w3.org/2000/svg"{drawing[4:]}'
    data = base64.b64encode(drawing.encode()).decode()
    return f'<img alt="a drawing" src="data:image/svg+xml;base64,{data}">'


def base64_alone(text: str) -> str:
    """The data of a picture, and nothing that could end the attribute which it comes to stand in."""
    return re.sub(r"[^A-Za-z0-9+/=\s]", "", text)


def markdown(text: str) -> str:
    """Markdown in which a tag that could do anything is text, and so is a link."""
    return _IN_MATHS.sub(r"\1", _LINK.sub("] ", _TAG.sub("&lt;", text)))


def tidy(notebook: Any) -> None:
    """Texts that the teacher has not locked, and all that is noted about cells."""
    _keep(notebook.metadata, _OF_A_NOTEBOOK)
    notebook.metadata |= _PYTHON  # another lexer might need hours to colour a cell
    for number, cell in enumerate(notebook.cells):
        _keep(cell.metadata, _OF_A_CELL)
        if not _ID.fullmatch(str(cell.get("id", ""))):
            cell["id"] = f"cell-{number}"
        cell.pop("attachments", None)
        if cell.cell_type != "code" and not cell.metadata.get("nbgrader", {}).get("locked"):
            cell.source = markdown(cell.source)


def _keep(metadata: Any, names: tuple[str, ...]) -> None:
    for name in set(metadata) - set(names):
        del metadata[name]
