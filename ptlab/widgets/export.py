"""A story or a race as one HTML page that needs neither Python nor a network."""

from __future__ import annotations

import html
import json
from os import PathLike
from pathlib import Path
from string import Template
from typing import Any

from ptlab.widgets.scheduler import SCHEDULER_CSS, scheduler_esm
from ptlab.widgets.stepper import CSS, esm, picture

PAGE = Path(__file__).with_name("page.html")


def export_html(payload: dict[str, Any], path: str | PathLike[str]) -> Path:
    """Write `payload` (see `Story.payload`) as a self-contained stepper page; return its path."""
    css = CSS.read_text(encoding="utf-8")
    return _write(
        path,
        payload,
        title=payload["title"],
        css=css,
        esm=esm(),
        picture=picture(payload),
        mount="mount",
    )


def export_race(payload: dict[str, Any], title: str, path: str | PathLike[str]) -> Path:
    """Write `payload` (see `Race.payload`) as a page to go through the race; return its path."""
    return _write(
        path,
        payload,
        title=title,
        css=SCHEDULER_CSS,
        esm=scheduler_esm(),
        picture=picture(payload["story"]),
        mount="mountRace",
    )


def _write(path: str | PathLike[str], payload: dict[str, Any], *, title: str, **parts: str) -> Path:
    """Put `parts` and `payload` into the page; `mount` is the function of `esm` that shows it."""
    page = Template(PAGE.read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        # "<" would let a text of the story end the script element.
        payload=json.dumps(payload, separators=(",", ":")).replace("<", "\\u003c"),
        **parts,
    )
    target = Path(path)
    target.write_text(page, encoding="utf-8")
    return target
