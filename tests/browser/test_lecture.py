"""A lecture: the whole screen, large type, and the keys that a presenter sends."""

import re
from pathlib import Path
from typing import Any

import pytest

import ptlab

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

SCREENS = [(1280, 800), (1920, 1080)]
SENTENCE = ".ptlab-sentence[aria-live]"
# Everything that a lecture shows is on the screen, and its tree is drawn larger than in a notebook.
ON_SCREEN = """(stage) => {
  const inside = (part) => {
    const { left, top, right, bottom, width } = part.getBoundingClientRect();
    return width > 0 && left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
  };
  const parts = ".ptlab-sentence[aria-live], .ptlab-tree, .ptlab-counters, .ptlab-lecturer, "
    + ".ptlab-verdict";
  return [...stage.querySelectorAll(parts)].filter((part) => !inside(part))
    .map((part) => part.className);
}"""
TYPE = "(part) => parseFloat(getComputedStyle(part).fontSize)"


@pytest.fixture
def begun(page: Any, tmp_path: Path) -> Any:
    """A function that opens a page, begins a lecture by key, and returns the stage."""

    def begin(told: Any) -> Any:
        page.goto(told.export_html(tmp_path / "told.html").as_uri())
        stage = page.locator(".ptlab-stage")
        playwright.expect(stage).to_be_focused()
        page.keyboard.press("l")
        page.wait_for_function("document.fullscreenElement !== null")
        return stage

    return begin


def at(stage: Any, position: int) -> None:
    playwright.expect(stage).to_have_attribute("data-position", str(position))


def test_all_of_a_lecture_is_on_the_screen(begun: Any, page: Any) -> None:
    for told in (
        ptlab.story("life-of-a-pte-page", "pte_refcount").at(40),
        ptlab.compare("life-of-a-pte-page", "unmap_only", "pte_refcount"),
        ptlab.race("pmd-same", schedule="AAABBBBBBBBBAA"),
    ):
        stage = begun(told)
        for width, height in SCREENS:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function(f"innerWidth === {width} && innerHeight === {height}")
            assert stage.evaluate(ON_SCREEN) == []
            assert stage.locator(SENTENCE).first.evaluate(TYPE) > width / 66


def test_a_presenter_s_keys_go_through_a_story(begun: Any, page: Any) -> None:
    story = ptlab.story("life-of-a-pte-page", "pte_refcount")
    stage = begun(story)
    for position, key in enumerate(("PageDown", " ", "ArrowRight"), 1):
        page.keyboard.press(key)
        at(stage, position)
    playwright.expect(stage.locator(SENTENCE)).to_have_text(story.steps[2].text)
    page.keyboard.press("PageUp")
    at(stage, 2)
    page.keyboard.press(".")
    playwright.expect(stage.locator(SENTENCE)).to_be_hidden()
    page.keyboard.press("PageDown")  # this only ends the blank
    playwright.expect(stage.locator(SENTENCE)).to_be_visible()
    at(stage, 2)
    page.keyboard.press("Escape")
    page.wait_for_function("document.fullscreenElement === null")
    playwright.expect(stage).not_to_have_class(re.compile("is-lecture"))
    page.keyboard.press("PageDown")  # goes by operations again
    at(stage, story_operation(story, 2))


def story_operation(story: Any, position: int) -> int:
    """The position at which the next operation after that of `position` begins."""
    now = story.steps[position - 1].op
    return next(k for k, step in enumerate(story.steps, 1) if step.op > now)


def test_in_a_race_a_task_s_letter_still_runs_it(begun: Any, page: Any) -> None:
    stage = begun(ptlab.race("pmd-same", schedule="AAABBB"))
    page.keyboard.press("Home")
    for position in (1, 2):
        page.keyboard.press("PageDown")
        at(stage, position)
    page.keyboard.press("PageUp")
    at(stage, 1)
    page.keyboard.press("b")
    playwright.expect(stage.locator(".ptlab-lanes")).to_have_attribute("aria-valuemax", "2")
