"""The words of the sentences explain themselves: on hover, focus and touch, in every view."""

from pathlib import Path
from typing import Any

import pytest

import ptlab

pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = pytest.mark.browser

SCENARIO = "mmap s0 2M\ntouch w s0 4K\nmadvise DONTNEED s0 2M"


def shown(name: str) -> Any:
    if name == "story":
        return ptlab.story(SCENARIO, "pte_refcount")
    if name == "comparison":
        return ptlab.compare(SCENARIO, "unmap_only", "pte_refcount")
    return ptlab.race("pmd-same", schedule="AAABBB")


@pytest.mark.parametrize("name", ["story", "comparison", "race"])
def test_a_word_explains_itself(page: Any, tmp_path: Path, name: str) -> None:
    page.goto(shown(name).export_html(tmp_path / "shown.html").as_uri())
    stage = page.locator(".ptlab[data-position]")
    tip = stage.get_by_role("tooltip")
    word = stage.locator(".ptlab-counters .ptlab-term").first
    assert not tip.is_visible()
    word.hover()
    assert tip.inner_text().startswith("VmPTE How much memory")
    tip.hover()
    page.wait_for_timeout(400)
    assert tip.is_visible(), "the pointer may rest on the explanation"
    page.mouse.move(1, 1)
    tip.wait_for(state="hidden")
    word.focus()
    assert word.get_attribute("aria-describedby") == tip.get_attribute("id")
    box, own = tip.bounding_box(), stage.bounding_box()
    assert own["x"] <= box["x"] and box["x"] + box["width"] <= own["x"] + own["width"]
    assert axe.Axe().run(page).response["violations"] == []
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    word.dispatch_event("click")  # as a finger does
    assert tip.is_visible()


def test_the_focus_stays_in_the_stage_when_a_word_goes(page: Any, tmp_path: Path) -> None:
    page.goto(shown("story").export_html(tmp_path / "shown.html").as_uri())
    page.locator(".ptlab[data-position]").wait_for()
    page.keyboard.press("n")
    page.locator(".ptlab-sentence[aria-live] .ptlab-term").first.focus()
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.classList.contains('ptlab')")
    page.keyboard.press("n")
    assert page.locator(".ptlab").get_attribute("data-position") == "19"
