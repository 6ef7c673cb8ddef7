"""A page of the site: its frames share their players, and play from a file."""

import pytest

import ptlab
from docs.site.build import HERE
from docs.site.frames import SHARED, as_script, without_players
from ptlab.widgets.guess import Guess
from ptlab.widgets.page import SCHEDULER, STATIC, STEPPER, framed_story

pytestmark = pytest.mark.browser

WHY = '<details class="ptlab-why"><summary>Why</summary>It is so.</details>'


def test_frames_without_their_players_play(page, tmp_path, monkeypatch):
    monkeypatch.setattr("ptlab.widgets.guess.runs_widgets", lambda: False)
    story, race = ptlab.story("mmap s0 2M\ntouch w s0 4K"), ptlab.race("pmd-same")
    asked = [Guess(f"How many in {unit}?", lambda: 1024, unit=unit) for unit in ("kB", "MB")]
    frames = [
        asked[0]._page(),
        asked[1]._page(),
        WHY,
        framed_story(story.payload(), "story", STEPPER),
        framed_story(race.page(), "race", SCHEDULER),
        WHY,
    ]
    shared = without_players("".join(f"<div>{frame}</div>" for frame in frames))
    players = sum((STATIC / name).stat().st_size for name in SHARED)
    assert len(shared) < players, "no frame has its own copy"
    (tmp_path / "players.js").write_text(as_script())
    (tmp_path / "page.js").write_text((HERE / "static/page.js").read_text())
    scripts = "".join(f"<script src={name}.js></script>" for name in ("players", "page"))
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><html lang=en><title>t</title>{scripts}<body>{shared}")
    page.goto(path.as_uri())
    first, second, stage, scene = (page.frame_locator("iframe").nth(k) for k in range(4))
    whys = page.locator("details")
    first.get_by_role("button", name="Show me").click()
    first.get_by_text("1024 kB").wait_for()
    assert [one.get_attribute("open") for one in whys.all()] == [None, None], "one is not answered"
    second.get_by_role("textbox").fill("7")
    second.get_by_role("button", name="Check").click()
    second.get_by_text("1024 MB").wait_for()
    page.locator("details[open]").wait_for()
    assert [one.get_attribute("open") for one in whys.all()] == ["", None]
    stage.get_by_role("button", name="Step", exact=True).click()
    stage.get_by_text("step 1 of").wait_for()
    page.locator("iframe").nth(3).scroll_into_view_if_needed()
    scene.get_by_role("button", name="Run A").click()
    scene.get_by_text("1 / 1").wait_for()
