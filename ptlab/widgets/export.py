"""A story or a race as one HTML page that needs neither Python nor a network."""

from __future__ import annotations

import html
import json
from os import PathLike
from pathlib import Path
from string import Template
from typing import Any

from ptlab.widgets.payload import Payload, RacePayload, check_schema
from ptlab.widgets.scheduler import SCHEDULER_CSS
from ptlab.widgets.stepper import STATIC, picture

PAGE = Path(__file__).with_name("page.html")


def export_html(payload: Payload, path: str | PathLike[str]) -> Path:
    """Write `payload` (see `Story.payload`) as a self-contained stepper page; return its path."""
    check_schema(payload)
    css, shown = (STATIC / "stepper.css").read_text(encoding="utf-8"), picture(payload)
    return _write(path, payload, "stepper", payload["title"], css=css, picture=shown, mount="mount")


def export_race(payload: RacePayload, title: str, path: str | PathLike[str]) -> Path:
    """Write `payload` (see `Race.payload`) as a page to go through the race; return its path."""
    check_schema(payload["story"])
    shown = picture(payload["story"])
    return _write(
        path, payload, "scheduler", title, css=SCHEDULER_CSS, picture=shown, mount="mountRace"
    )


_PAGE = ("ground", "quiet")
"""The colours of the page around the stage."""


def _write(
    path: str | PathLike[str], payload: Payload | RacePayload, bundle: str, title: str, **parts: str
) -> Path:
    """Put all into the page; `mount` is the function of the bundle that shows the payload."""
    story: Any = payload.get("story", payload)
    around = story["palette"]["interface"]
    page = Template(PAGE.read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        esm=(STATIC / f"{bundle}.js").read_text(encoding="utf-8"),
        # "<" would let a text of the story end the script element.
        payload=json.dumps(payload, separators=(",", ":")).replace("<", "\\u003c"),
        **{name: f"light-dark({around[name]['light']}, {around[name]['dark']})" for name in _PAGE},
        **parts,
    )
    target = Path(path)
    target.write_text(page, encoding="utf-8")
    return target
