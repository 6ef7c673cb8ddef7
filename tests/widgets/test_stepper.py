"""The Python side of the stepper: what it sends to the browser, what it refuses."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ptlab.widgets import Stepper, export_html
from ptlab.widgets.payload import SCHEMA
from ptlab.widgets.stepper import STATIC

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><title>a tree</title></svg>'


@pytest.fixture
def payload() -> dict[str, Any]:
    step = {"kind": "", "fn": "", "path": [], "text": "", "event": False, "focus": []}
    return {
        "schema": SCHEMA,
        "title": "A title with </script> & <b>",
        "panes": [
            {
                "name": "unmap_only",
                "heading": "unmap_only on Linux 6.1",
                "fate": "Linux until 6.13",
                "svg": SVG,
                "steps": [step | {"op": -1}, step | {"op": 0}, step | {"op": 0}],
                "ops": ["mmap s0 2M"],
                "nodes": {},
                "entries": {},
                "locks": [],
                "counters": [],
                "timeline": [],
            }
        ],
        "frames": [[0], [1], [2]],
        "flags": [],
        "levels": {},
        "palette": {"kinds": {}, "none": "", "levels": {}},
    }


def test_position_moves_and_stays_in_the_story(payload: dict[str, Any]) -> None:
    stepper = Stepper(payload)
    stepper.back()
    assert stepper.position == 0
    for _ in range(5):
        stepper.step()
    assert stepper.position == stepper.last == 2
    stepper.seek(1)
    assert stepper.position == 1
    with pytest.raises(ValueError, match="position 3: this story has positions 0 to 2"):
        stepper.seek(3)


def test_static_viewers_get_the_picture_as_an_image(payload: dict[str, Any]) -> None:
    bundle = Stepper(payload)._repr_mimebundle_()
    assert bundle is not None
    data = bundle[0]
    assert data["text/plain"].endswith("position 0 of 2>")
    assert "application/vnd.jupyter.widget-view+json" in data
    (encoded,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', data["text/html"])
    assert base64.b64decode(encoded).decode() == SVG


def test_a_payload_of_another_version_is_refused(payload: dict[str, Any], tmp_path: Path) -> None:
    for old in (
        payload | {"schema": SCHEMA - 1},
        {k: payload[k] for k in payload if k != "schema"},
    ):
        with pytest.raises(ValueError, match=f"plays schema {SCHEMA}: make it again"):
            Stepper(old)
        with pytest.raises(ValueError, match="make it again"):
            export_html(old, tmp_path / "old.html")


class Scripts(HTMLParser):
    """Collects the text of every script element."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "script"
        if self.inside:
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[-1] += data


def test_the_exported_page_carries_the_payload_unharmed(
    payload: dict[str, Any], tmp_path: Path
) -> None:
    page = export_html(payload, tmp_path / "story.html").read_text(encoding="utf-8")
    assert "<title>A title with &lt;/script&gt; &amp; &lt;b&gt;</title>" in page
    scripts = Scripts()
    scripts.feed(page)
    data, code = scripts.texts
    assert json.loads(data) == payload
    assert (STATIC / "stepper.js").read_text(encoding="utf-8") in code
    # The only address in the page is the name of SVG, which nobody fetches.
    assert set(re.findall(r"https?://[^\\\"' ]*", page)) == {"http://www.w3.org/2000/svg"}
