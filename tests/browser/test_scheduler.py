"""Be the scheduler in JupyterLab: by clicks and by keys, back, on differently, to the verdict."""

from pathlib import Path
from typing import Any

import pytest

import ptlab
from ptlab.widgets.packing import packed, without_stills

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

pytestmark = pytest.mark.browser

BREAKS = "AAABBBBBBBBBAA"
"""The fault looks up its table, DONTNEED frees it, the fault writes: scene pmd-same, broken."""


@pytest.fixture
def scheduler(lab: Any, page: Any) -> Any:
    """The scene pmd-same before anybody has run; the last cell prints the learner's schedule."""
    lab.write(
        "scheduler.ipynb",
        "import ptlab\nrace = ptlab.race('pmd-same')\nrace",
        "print('schedule', race.schedule, 'at', race.position)",
    )
    lab.open_notebook("scheduler.ipynb")
    lab.run_all()
    scheduler = page.locator(".ptlab-scheduler")
    scheduler.wait_for()
    return scheduler


def run(scheduler: Any, letter: str) -> None:
    scheduler.get_by_role("button", name=f"Run {letter}", exact=True).click()


def assert_at(scheduler: Any, schedule: str, position: int) -> None:
    """Wait until this line is shown at this position; Python is asked in between."""
    box = scheduler.get_by_role("textbox", name="Schedule")
    playwright.expect(box).to_have_value(schedule)
    playwright.expect(scheduler).to_have_attribute("data-position", str(position))
    slider = scheduler.get_by_role("slider", name="Position in the schedule")
    assert slider.get_attribute("aria-valuenow") == str(position)


def verdict(scheduler: Any) -> str:
    text: str = scheduler.locator(".ptlab-verdict[role=status]").inner_text()
    return text


def give_keys(scheduler: Any) -> None:
    """As a learner does it: by a click. A mere focus() JupyterLab may take back when Run All ends."""
    scheduler.get_by_role("heading", level=2).click()
    playwright.expect(scheduler).to_be_focused()


def column(scheduler: Any, letter: str) -> Any:
    return scheduler.locator(f".ptlab-task[aria-label^='Task {letter}:']")


def boxes(scheduler: Any) -> Any:
    """Where the columns, the line and every table are."""
    return scheduler.evaluate(
        """(root) => {
          const top = root.getBoundingClientRect().top;
          const parts = ".ptlab-task, .ptlab-line, .ptlab-tree, g.node .frame";
          return [...root.querySelectorAll(parts)].map((part) => {
            const box = part.getBoundingClientRect();
            return [box.left, Math.round(box.top - top), box.width];
          });
        }"""
    )


def test_break_it_by_clicks_then_go_back(scheduler: Any) -> None:
    assert verdict(scheduler) == "No rule is broken so far."
    assert "write page 1" in column(scheduler, "A").inner_text()
    for number, letter in enumerate(BREAKS, 1):
        run(scheduler, letter)
        assert_at(scheduler, BREAKS[:number], number)
    assert "A rule is broken: task A writes into PTE page 4, unhooked" in verdict(scheduler)
    assert "stopped" in column(scheduler, "B").inner_text()
    sentence = scheduler.locator(".ptlab-sentence[aria-live]").inner_text()
    assert sentence == "A set_pte_at: entry 1 of PTE page 4 now maps a new page."
    broken = boxes(scheduler)
    for number in reversed(range(len(BREAKS))):
        scheduler.get_by_role("button", name="Back", exact=True).click()
        assert_at(scheduler, BREAKS, number)
        assert boxes(scheduler) == broken, "going back moves nothing"
        assert verdict(scheduler) == "No rule is broken so far."
    assert "nothing yet" in column(scheduler, "B").inner_text()


def test_break_it_by_keys_and_fork(scheduler: Any, page: Any) -> None:
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    give_keys(scheduler)
    for letter in BREAKS.lower():  # as fast as they come: each waits for the one before
        page.keyboard.press(letter)
    assert_at(scheduler, BREAKS, len(BREAKS))
    assert "A rule is broken" in verdict(scheduler)
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells, "b is not JupyterLab's here"

    page.keyboard.press("Home")
    assert_at(scheduler, BREAKS, 0)
    for key, position in [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)]:
        page.keyboard.press(key)
        assert_at(scheduler, BREAKS, position)
    page.keyboard.press("b")
    assert_at(scheduler, "AB", 2)
    kept = scheduler.get_by_role("button", name=BREAKS, exact=True)
    assert "a rule is broken" in kept.locator("..").inner_text()
    kept.click()
    assert_at(scheduler, BREAKS, len(BREAKS))

    # What the learner did is what Python has.
    page.keyboard.press("Escape")
    cell = page.locator(".jp-CodeCell").last
    cell.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    cell.locator(".jp-OutputArea", has_text=f"schedule {BREAKS} at {len(BREAKS)}").wait_for()


def test_runs_and_moves_keep_their_order(scheduler: Any, page: Any) -> None:
    give_keys(scheduler)
    for key in ["a", "a", "ArrowLeft", "b", "ArrowLeft", "ArrowLeft", "b"]:
        page.keyboard.press(key)
    assert_at(scheduler, "B", 1)
    kept = scheduler.get_by_role("list", name="Schedules that you left").get_by_role("button")
    assert kept.all_inner_texts() == ["AB", "AA"]


def test_a_pasted_schedule_runs_and_a_wrong_one_is_refused(scheduler: Any) -> None:
    box = scheduler.get_by_role("textbox", name="Schedule")
    box.fill(BREAKS.lower())
    box.press("Enter")
    assert_at(scheduler, BREAKS, len(BREAKS))
    before = boxes(scheduler)
    box.fill("AAX")
    box.press("Enter")
    refused = scheduler.get_by_role("alert")
    playwright.expect(refused).to_contain_text("'X' is not a task, only A or B can")
    assert boxes(scheduler) == before, "its line was kept free"
    assert_at(scheduler, "AAX", len(BREAKS))  # to be mended; the race is where it was
    box.fill("AAB")
    box.press("Enter")
    assert_at(scheduler, "AAB", 3)
    playwright.expect(refused).to_be_hidden()


def test_a_moment_is_chosen_by_its_letter(scheduler: Any) -> None:
    box = scheduler.get_by_role("textbox", name="Schedule")
    box.fill("AAABBB")
    box.press("Enter")
    assert_at(scheduler, "AAABBB", 6)
    scheduler.locator(".ptlab-cell.ran").nth(1).click()
    assert_at(scheduler, "AAABBB", 2)
    assert "VMA lock of 0x100000000000 (read)" in column(scheduler, "A").inner_text()


def test_two_views_of_one_race_go_together(lab: Any, page: Any) -> None:
    lab.write(
        "views.ipynb", "import ptlab\nrace = ptlab.race('pmd-same', schedule='AAAB')\nrace", "race"
    )
    lab.open_notebook("views.ipynb")
    lab.run_all()
    views = page.locator(".ptlab-scheduler")
    playwright.expect(views).to_have_count(2)
    views.first.get_by_role("button", name="Back", exact=True).click()
    for view in views.all():
        assert_at(view, "AAAB", 3)
    views.last.locator(".ptlab-cell.ran").first.click()
    for view in views.all():
        assert_at(view, "AAAB", 1)
    run(views.first, "B")
    for view in views.all():
        assert_at(view, "AB", 2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_exported_race_opens_at_its_verdict(page: Any, tmp_path: Path, scheme: Any) -> None:
    race = ptlab.race("pmd-same", schedule=BREAKS)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 900, "height": 700})
    page.goto(race.export_html(tmp_path / "race.html").as_uri())
    shown = page.locator(".ptlab-scheduler")
    assert_at(shown, BREAKS, len(BREAKS))
    assert verdict(shown) == f"\u2717 A rule is broken: {race.verdict.sentence}."
    assert shown.locator(".ptlab-verdict").bounding_box()["y"] < 700, "it is seen at once"
    assert axe.Axe().run(page).response["violations"] == []
    opened, moments = boxes(shown), race.payload()["moments"]
    for position in reversed(range(len(BREAKS))):
        page.keyboard.press("ArrowLeft")
        assert_at(shown, BREAKS, position)
        assert boxes(shown) == opened, "going back moves nothing"
        for letter, task in zip("AB", moments[position]["tasks"], strict=True):
            assert column(shown, letter).locator(".ptlab-did").inner_text() == (
                task["did"] or "nothing yet"
            )
        if position:
            sentence = shown.locator(".ptlab-sentence[aria-live]").inner_text()
            assert sentence.startswith(f"{BREAKS[position - 1]} ")


def test_an_exported_race_is_played_without_python(page: Any, tmp_path: Path) -> None:
    """By keys alone: each moment is what Python would show; goals that were reached stay so."""
    race = ptlab.race("pmd-same")
    page.set_viewport_size({"width": 850, "height": 700})
    page.goto(race.export_html(tmp_path / "race.html").as_uri())
    shown = page.locator(".ptlab-scheduler")
    goals = shown.get_by_role("group", name="Goals").get_by_role("listitem")
    assert not any("reached" in goal for goal in goals.all_inner_texts())
    for schedule in ("AAB", "AABAAA", BREAKS):
        page.keyboard.press("Home")
        for letter in schedule:
            page.keyboard.press(letter.lower())
        race.play(schedule)
        moment = race.payload()["moments"][-1]
        assert_at(shown, schedule, len(schedule))
        for letter, task in zip("AB", moment["tasks"], strict=True):
            words = column(shown, letter).inner_text()
            assert task["did"] in words and task["next"] in words
            locks = column(shown, letter).locator(".ptlab-locks")
            assert locks.get_attribute("title") == ", ".join(task["holds"])
    assert verdict(shown) == f"\u2717 A rule is broken: {race.verdict.sentence}."
    assert all("reached" in goal for goal in goals.all_inner_texts())
    assert shown.bounding_box()["height"] <= 660
    page.reload()
    assert_at(shown, "", 0)
    assert all("reached" in goal for goal in goals.all_inner_texts())
    field = shown.get_by_role("textbox", name="Schedule")
    field.fill("AAZ")
    field.press("Enter")
    playwright.expect(shown.get_by_role("alert")).to_contain_text(
        "'Z' cannot run here, only A or B can"
    )


def test_a_large_race_is_only_looked_at(page: Any, tmp_path: Path) -> None:
    """Nobody can be asked to run a task there, so nothing offers it."""
    page.goto(ptlab.race("abc", schedule="AAAB").export_html(tmp_path / "race.html").as_uri())
    shown = page.locator(".ptlab-scheduler")
    shown.get_by_role("button", name="Back").wait_for()
    assert shown.get_by_role("button").all_inner_texts()[:2] == ["Back", "Forward"]
    assert shown.get_by_role("button", name="Run").count() == 0
    assert shown.get_by_role("textbox", name="Schedule").get_attribute("readonly") is not None
    page.keyboard.press("b")  # is nobody's key here
    assert_at(shown, "AAAB", 4)


def test_a_page_refuses_a_race_of_another_version(page: Any, tmp_path: Path) -> None:
    race = ptlab.race("pmd-same")
    shown, payload = race.export_html(tmp_path / "old.html"), race.page()
    text, now = shown.read_text(encoding="utf-8"), packed(without_stills(payload))
    del payload["story"]["schema"]
    assert text.count(now) == 1
    shown.write_text(text.replace(now, packed(without_stills(payload))), encoding="utf-8")
    page.goto(shown.as_uri())
    message = page.get_by_role("alert").inner_text()
    assert message.startswith("This race cannot be shown: its payload has schema none")


def test_nothing_for_axe_to_find(scheduler: Any, lab: Any, page: Any) -> None:
    for letter in BREAKS:
        run(scheduler, letter)
    scheduler.get_by_role("button", name="Back", exact=True).click()
    run(scheduler, "B")  # so that there is a kept schedule
    playwright.expect(scheduler.get_by_role("button", name=BREAKS, exact=True)).to_be_visible()
    scheduler.locator("g.node:not(.is-absent)").last.click()
    for theme in ("light", "dark"):
        lab.use_theme(theme)
        found = axe.Axe().run(page, context=".jp-OutputArea-output")
        assert found.response["violations"] == []
