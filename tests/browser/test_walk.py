"""An address that is typed is followed as ptlab.walk follows it; a link leads to a moment."""

from pathlib import Path
from typing import Any

import pytest

import ptlab
from ptlab import MiB, TiB

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

TEXT = """
    mmap s0 8M thp
    touch w s0 4K
    mmap s1 8M
    touch w s1 16K
    touch r s1+2M 4K
    madvise PAGEOUT s1 4K
    mprotect s1+4K 4K none
    madvise GUARD_INSTALL s1+8K 4K
"""
TYPED = {
    "s0+0x12345": 16 * TiB + 0x12345,  # a huge page takes 21 bits
    "s1": 16 * TiB + (512 << 30),  # swapped out
    "s1+4K": 16 * TiB + (512 << 30) + 4096,  # no access
    "s1 + 8K": 16 * TiB + (512 << 30) + 2 * 4096,  # a marker
    "s1+12K+5": 16 * TiB + (512 << 30) + 3 * 4096 + 5,
    "s1+2M": 16 * TiB + (512 << 30) + 2 * MiB,  # not writable
    "0x108000400000": 0x108000400000,  # none
    "4096": 4096,
}


def typed(page: Any, text: str) -> str:
    field = page.get_by_label("Address to walk to")
    field.fill(text)
    field.press("Enter")
    said: str = page.locator(".ptlab-outcome").inner_text()
    return said


@pytest.mark.parametrize("levels", [4, 5])
def test_the_stage_says_what_walk_says(page: Any, tmp_path: Path, levels: int) -> None:
    told = ptlab.story(TEXT, kernel="6.18", levels=levels)
    page.goto(told.export_html(tmp_path / "walk.html").as_uri())
    page.get_by_role("button", name="Last", exact=True).click()
    for text, address in TYPED.items():
        assert typed(page, text) == ptlab.walk(told.process, address).outcome, text
    heads = page.locator(".ptlab-heads").get_attribute("aria-label")
    assert heads.startswith("Address 0x1000: ") and heads.count(" entry ") == levels
    typed(page, "s0+0x12345")
    heads = page.locator(".ptlab-heads").get_attribute("aria-label")
    assert heads.endswith(f"PMD entry 0, offset {0x12345}") and heads.count(" entry ") == levels - 1
    options = page.locator(".ptlab-address option").evaluate_all("(all) => all.map((o) => o.value)")
    assert options == ["s0", "s1"]
    for text in ("heap", "1e3", "s0+", "-1", "0x", "s0+2Q"):
        assert typed(page, text).startswith("type a number or a mapping, such as s0+2M"), text
    assert typed(page, "0xffffffffffffffff").startswith("user space ends at 0x")


def test_a_link_leads_to_a_moment_and_is_copied(page: Any, tmp_path: Path) -> None:
    shown = ptlab.story("life-of-a-pte-page", "pte_refcount").export_html(tmp_path / "story.html")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{shown.as_uri()}#step=41&table=3&entry=1")
    stage = page.locator(".ptlab[data-position]")
    assert stage.get_attribute("data-position") == "41"
    grid = stage.locator(".ptlab-grid")
    assert "PTE page 3" in grid.get_attribute("aria-label")
    assert grid.get_attribute("aria-valuenow") == "1"
    page.get_by_role("button", name="Step", exact=True).click()
    page.get_by_role("button", name="Copy a link to this moment").click()
    page.get_by_text("copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url == f"{shown.as_uri()}#step=42&table=3&entry=1"
    page.evaluate("location.hash = '#step=7'")
    page.locator(".ptlab[data-position='7']").wait_for()
    for bad in ("#step=-1", "#step=1e99&table=<b>", "#table=777&entry=9999", "#%E0%A4%A"):
        page.evaluate("(hash) => { location.hash = hash; }", bad)
        assert stage.locator(".ptlab-sentence[aria-live]").inner_text()


def test_a_link_leads_to_a_moment_of_a_race(page: Any, tmp_path: Path) -> None:
    race = ptlab.race("pmd-same", schedule="AAABBBBBBBBBAA")
    page.goto(f"{race.export_html(tmp_path / 'race.html').as_uri()}#step=5&table=3&entry=7")
    stage = page.locator(".ptlab[data-position]")
    assert stage.get_attribute("data-position") == "5"
    assert stage.locator(".ptlab-grid").get_attribute("aria-valuenow") == "7"
    assert page.get_by_role("button", name="Copy a link to this moment").is_visible()
