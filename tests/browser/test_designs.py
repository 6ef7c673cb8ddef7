"""All designs side by side, and a table to fill in, in JupyterLab."""

from typing import Any

import pytest

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = pytest.mark.browser

OUTPUT = ".jp-OutputArea-output"
WIDGET = f"{OUTPUT} > .lm-Widget"
SHOWS_ALL = """(select) => {
  const pen = document.createElement("canvas").getContext("2d"), style = getComputedStyle(select);
  pen.font = style.font;
  const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return [...select.options].every((option) => pen.measureText(option.text).width <= room);
}"""


def violations(page: Any) -> list[Any]:
    return axe.Axe().run(page, context=OUTPUT).response["violations"]


def test_designs_are_chosen_compared_and_read(lab: Any, page: Any) -> None:
    lab.write(
        "designs.ipynb",
        "from ptlab.costs.measure import designs\npanel = designs('halves')\npanel",
    )
    lab.open_notebook("designs.ipynb")
    lab.run_all()
    for name in ("percpu_ref", "pt_rwsem", "every_level", "write_scan", "async_scan"):
        page.get_by_label(name, exact=True).uncheck()
    page.get_by_label("Workload").select_option("zero-page-reads")
    page.get_by_role("button", name="Measure", exact=True).click()
    page.get_by_role("progressbar", name="designs done").wait_for()
    assert page.get_by_role("button", name="Measure", exact=True).is_disabled()
    picture = page.locator(f"{WIDGET} svg[role=img]")
    picture.wait_for(timeout=60_000)
    assert picture.locator("title").inner_html() == "VmPTE during zero-page-reads"
    rows = page.locator(f"{WIDGET} tbody tr").filter(has_text="mapped_count")
    assert "in the background" in rows.first.inner_text()
    assert page.locator(f"{WIDGET} tbody tr").count() == 4 * 4
    assert page.get_by_role("button", name="Measure", exact=True).is_enabled()
    # The tables look as in the output of a cell: every other row is tinted.
    grounds = page.locator(f"{WIDGET} tbody tr").evaluate_all(
        "(rows) => rows.slice(0, 4).map((row) => getComputedStyle(row).backgroundColor)"
    )
    assert grounds[0] == grounds[2] != grounds[1] == grounds[3]
    for theme in ("light", "dark"):
        lab.use_theme(theme)
        assert violations(page) == []


def test_the_notebook_can_be_used_while_designs_are_compared(lab: Any, page: Any) -> None:
    slow = "mmap s0 2G noreserve\\ncover s0 2G"
    lab.write(
        "busy.ipynb",
        "from ptlab.costs.measure import designs\n"
        f"panel = designs('{slow}', 'unmap_only', 'pt_rwsem')\npanel.start()\npanel",
        "print('at the same time:', panel._button.disabled)",
    )
    lab.open_notebook("busy.ipynb")
    lab.run_all()
    assert "at the same time: True" in page.locator(".jp-Notebook").inner_text()
    page.locator(f"{WIDGET} svg[role=img]").wait_for(timeout=60_000)


def test_an_old_report_is_dimmed_while_a_new_one_is_made(lab: Any, page: Any) -> None:
    lab.write(
        "again.ipynb",
        "from ptlab.costs.measure import designs\n"
        "panel = designs('halves', 'unmap_only')\npanel.start()\npanel.wait()\npanel",
    )
    lab.open_notebook("again.ipynb")
    lab.run_all()
    report = page.locator(f"{WIDGET} .jp-RenderedHTMLCommon", has=page.locator("svg"))
    assert report.evaluate("(it) => getComputedStyle(it).opacity") == "1"
    page.get_by_role("button", name="Measure", exact=True).click()
    page.locator(f"{WIDGET} .ptlab-stale").wait_for()
    assert float(report.evaluate("(it) => getComputedStyle(it).opacity")) < 0.5
    page.locator(f"{WIDGET} .ptlab-stale").wait_for(state="detached", timeout=60_000)


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
    assert "✓ right" in told and "✗ answer: 8 kB" in told
    page.get_by_label("a zap: frees").select_option("later")
    page.get_by_role("button", name="Reveal").click()  # the other one is called Start again now
    page.get_by_text("1 right of 1 filled in").wait_for()
    choice = page.get_by_label("a zap: frees")
    assert choice.is_disabled(), "the score is of this guess"
    assert choice.evaluate(SHOWS_ALL), "its longest choice is not cut"
    assert violations(page) == []
