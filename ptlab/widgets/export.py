"""A story or a race as one HTML page that needs neither Python nor a network."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ptlab.widgets.page import SCHEDULER, STEPPER, page, picture
from ptlab.widgets.payload import Payload, check_schema
from ptlab.widgets.race_payload import RacePayload


def export_html(payload: Payload, path: str | PathLike[str]) -> Path:
    """Write `payload` (see `Story.payload`) as a self-contained stepper page; return its path."""
    check_schema(payload)
    return _write(path, page(payload, payload["title"], STEPPER, picture(payload)))


def export_race(payload: RacePayload, title: str, path: str | PathLike[str]) -> Path:
    """Write `payload` (see `Race.payload`) as a page to go through the race; return its path."""
    check_schema(payload["story"])
    return _write(path, page(payload, title, SCHEDULER, picture(payload["story"])))


def _write(path: str | PathLike[str], text: str) -> Path:
    target = Path(path)
    target.write_text(text, encoding="utf-8")
    return target
