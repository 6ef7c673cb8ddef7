"""A story as one HTML page that needs neither Python nor a network."""

from __future__ import annotations

import html
import json
from os import PathLike
from pathlib import Path
from string import Template
from typing import Any

from ptlab.widgets.stepper import CSS, esm, picture

PAGE = Path(__file__).with_name("page.html")


def export_html(payload: dict[str, Any], path: str | PathLike[str]) -> Path:
    """Write `payload` (see `Story.payload`) as a self-contained stepper page; return its path."""
    page = Template(PAGE.read_text(encoding="utf-8")).substitute(
        title=html.escape(payload["title"]),
        css=CSS.read_text(encoding="utf-8"),
        esm=esm(),
        picture=picture(payload),
        # "<" would let a text of the story end the script element.
        payload=json.dumps(payload, separators=(",", ":")).replace("<", "\\u003c"),
    )
    target = Path(path)
    target.write_text(page, encoding="utf-8")
    return target
