"""A story or a race as one page of HTML."""

import base64
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ptlab import race
from ptlab.widgets import export_html, export_race
from ptlab.widgets.packing import packed, without_stills
from ptlab.widgets.page import STATIC
from ptlab.widgets.payload import SCHEMA


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
    data, stage, *_ = scripts.texts
    assert data == packed(without_stills(payload))
    code = json.loads(zlib.decompress(base64.b64decode(stage)))["code"]
    assert code == (STATIC / "stepper.js").read_text(encoding="utf-8")
    # The only address in the page is the name of SVG, which nobody fetches.
    assert set(re.findall(r"https?://[^\\\"' ]*", page + code)) == {"http://www.w3.org/2000/svg"}


def test_a_payload_of_another_version_is_not_exported(
    payload: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="make it again"):
        export_html(payload | {"schema": SCHEMA - 1}, tmp_path / "old.html")
    with pytest.raises(ValueError, match="make it again"):
        old = race("pmd-same").payload()
        old["story"]["schema"] -= 1
        export_race(old, "an old race", tmp_path / "old.html")
    assert list(tmp_path.iterdir()) == []
