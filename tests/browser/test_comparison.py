"""All designs side by side, and a table to fill in, in JupyterLab."""

from typing import Any

import pytest

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = pytest.mark.browser

OUTPUT = ".jp-OutputArea-output"


def violations(page: Any) -> list[Any]:
    return axe.Axe().run(page, context=OUTPUT).response["violations"]


def test_designs_are_chosen_compared_and_read(lab: Any, page: Any) -> None:
    lab.write(
        "designs.ipynb",
        "from ptlab.comparison import designs\npanel = designs('halves')\npanel",
    )
    lab.open_notebook("designs.ipynb")
    lab.run_all()
    for name in ("percpu_ref", "pt_rwsem", "every_level", "write_scan", "async_scan"):
        page.get_by_label(name, exact=True).uncheck()
    page.get_by_label("Workload").select_option("zero-page-reads")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_role("progressbar", name="designs done").wait_for()
    assert page.get_by_role("button", name="Compare", exact=True).is_disabled()
    picture = page.locator(f"{OUTPUT} svg[role=img]")
    picture.wait_for(timeout=60_000)
    assert picture.locator("title").inner_html() == "VmPTE during zero-page-reads"
    rows = page.locator(f"{OUTPUT} tbody tr").filter(has_text="mapped_count")
    assert "in the background" in rows.first.inner_text()
    assert page.locator(f"{OUTPUT} tbody tr").count() == 3 * 4
    assert page.get_by_role("button", name="Compare", exact=True).is_enabled()
    for theme in ("light", "dark"):
        lab.use_theme(theme)
        assert violations(page) == []


def test_the_notebook_can_be_used_while_designs_are_compared(lab: Any, page: Any) -> None:
    slow = "mmap s0 2G noreserve\\ncover s0 2G"
    lab.write(
        "busy.ipynb",
        "from ptlab.comparison import designs\n"
        f"panel = designs('{slow}', 'unmap_only', 'pt_rwsem')\npanel.start()\npanel",
        "print('at the same time:', panel._button.disabled)",
    )
    lab.open_notebook("busy.ipynb")
    lab.run_all()
    assert "at the same time: True" in page.locator(".jp-Notebook").inner_text()
    page.locator(f"{OUTPUT} svg[role=img]").wait_for(timeout=60_000)


def test_guesses_are_typed_and_answers_revealed(lab: Any, page: Any) -> None:
    lab.write(
        "predict.ipynb",
        "from ptlab.widgets import Predict\n"
        "Predict({'all written': {'unmap_only': 12, 'pt_reclaim': 8}}, unit='kB')",
        "Predict({'a zap': {'frees': 'later'}}, choices=['at once', 'later'])",
    )
    lab.open_notebook("predict.ipynb", theme="dark")
    lab.run_all()
    assert violations(page) == []
    page.get_by_label("all written: unmap_only").fill("12")
    page.get_by_label("all written: pt_reclaim").fill("12 kB")
    page.get_by_role("button", name="Reveal").first.click()
    page.get_by_text("1 right of 2 filled in").wait_for()
    told = page.locator(OUTPUT).first.inner_text()
    assert "✓ right, 12 kB" in told and "✗ it is 8 kB" in told
    page.get_by_label("a zap: frees").select_option("later")
    page.get_by_role("button", name="Reveal").click()  # the other one is called Start again now
    page.get_by_text("✓ right, later").wait_for()
    assert violations(page) == []
