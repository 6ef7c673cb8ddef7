"""A page of the site: its frames share their players, and play from a file."""

import re

import pytest

import ptlab
from docs.site.build import HERE
from docs.site.frames import as_script, players, without_players
from ptlab.costs.measure import designs
from ptlab.widgets.guess import Guess
from ptlab.widgets.page import SCHEDULER, STEPPER, framed_story

pytestmark = pytest.mark.browser


def test_frames_without_their_players_play(page, tmp_path, monkeypatch):
    monkeypatch.setattr("ptlab.widgets.guess.runs_widgets", lambda: False)
    story, race = ptlab.story("mmap s0 2M\ntouch w s0 4K"), ptlab.race("pmd-same")
    panel = designs("life-of-a-pte-page", "unmap_only", "pt_reclaim")
    panel.start()
    panel.wait()
    frames = [
        Guess("How many?", lambda: 1024, unit="kB", why="<p>It is so.</p>")._page(),
        framed_story(story.payload(), "story", STEPPER),
        framed_story(race.page(), "race", SCHEDULER),
        panel._page(),
    ]
    shared = without_players("".join(f"<div>{frame}</div>" for frame in frames))
    assert set(re.findall(r"{{ptlab:(.+?)}}", shared)) == set(players()), "no frame has its own"
    (tmp_path / "players.js").write_text(as_script())
    (tmp_path / "page.js").write_text((HERE / "static/page.js").read_text())
    scripts = "".join(f"<script src={name}.js></script>" for name in ("players", "page"))
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><html lang=en><title>t</title>{scripts}<body>{shared}")
    page.goto(path.as_uri())
    question, stage, scene, choices = (page.frame_locator("iframe").nth(k) for k in range(4))
    assert "It is so." not in question.locator("main").inner_text()
    question.get_by_role("textbox").fill("7")
    question.get_by_role("button", name="Check").click()
    question.get_by_text("1024 kB").wait_for()
    question.get_by_text("It is so.").wait_for()
    stage.get_by_role("button", name="Step", exact=True).click()
    stage.get_by_text("step 1 of").wait_for()
    page.locator("iframe").nth(2).scroll_into_view_if_needed()
    scene.get_by_role("button", name="Run A").click()
    scene.get_by_text("1 / 1").wait_for()
    page.locator("iframe").nth(3).scroll_into_view_if_needed()
    choices.get_by_label("unmap_only").uncheck()
    assert choices.locator("tbody tr:visible").count() == 4
