"""All designs side by side, in JupyterLab."""

from typing import Any

import pytest

from ptlab.costs.measure import designs

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = pytest.mark.browser

OUTPUT = ".jp-OutputArea-output"
WIDGET = f"{OUTPUT} > .lm-Widget"


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
    measure = page.get_by_role("button", name="Measure", exact=True)
    measure.click()
    page.get_by_role("progressbar", name="designs done").wait_for()
    assert measure.get_attribute("aria-disabled") == "true"
    picture = page.locator(f"{WIDGET} svg[role=img]")
    picture.wait_for(timeout=60_000)
    assert picture.locator("title").inner_html() == "VmPTE during zero-page-reads"
    rows = page.locator(f"{WIDGET} tbody tr").filter(has_text="mapped_count")
    assert "in the background" in rows.first.inner_text()
    assert page.locator(f"{WIDGET} tbody tr").count() == 4 * 4
    assert measure.get_attribute("aria-disabled") == "true", "there is nothing left to measure"
    page.locator(f"{WIDGET} .ptlab-term", has_text="VmPTE").first.hover()
    assert "page-table pages" in page.get_by_role("tooltip").inner_text()
    for theme in ("light", "dark"):
        lab.use_theme(theme)
        assert violations(page) == []


def test_the_notebook_can_be_used_while_designs_are_compared(lab: Any, page: Any) -> None:
    slow = "mmap s0 2G noreserve\\ncover s0 2G"
    lab.write(
        "busy.ipynb",
        "from ptlab.costs.measure import designs\n"
        f"panel = designs('{slow}', 'unmap_only', 'pt_rwsem')\npanel.start()\npanel",
        "print('at the same time:', panel.busy)",
    )
    lab.open_notebook("busy.ipynb")
    lab.run_all()
    assert "at the same time: True" in page.locator(".jp-Notebook").inner_text()
    page.locator(f"{WIDGET} svg[role=img]").wait_for(timeout=60_000)


def test_a_page_of_designs_is_chosen_from_without_python(page: Any, tmp_path: Any) -> None:
    panel = designs("life-of-a-pte-page", "unmap_only", "pte_refcount", "pt_reclaim", "write_scan")
    panel.start()
    panel.wait()
    panel.workload, panel.ticked = "full-table", ["unmap_only", "pt_reclaim"]
    panel.start()
    panel.wait()
    path = tmp_path / "designs.html"
    path.write_text(f"<!doctype html><html lang=en><title>t</title>{panel._page()}")
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(path.as_uri())
    inside = page.locator(".ptlab-framed").content_frame
    title, rows = inside.locator("svg title").first, inside.locator("tbody tr:visible")
    title.wait_for(state="attached")
    assert title.inner_html() == "VmPTE during full-table"
    assert rows.count() == 2 * 4 and inside.get_by_label("write_scan").is_disabled()
    assert inside.get_by_role("button", name="Measure").count() == 0
    inside.get_by_label("Workload").select_option("life-of-a-pte-page")
    assert title.inner_html() == "VmPTE during life-of-a-pte-page"
    inside.get_by_label("write_scan").check()
    inside.get_by_label("unmap_only").uncheck()
    assert rows.count() == 2 * 4
    names = inside.locator("svg g[data-design]:visible")
    assert [one.get_attribute("data-design") for one in names.all()] == ["write_scan", "pt_reclaim"]
    # The pictures that are left stand where the first ones stood.
    boxes = [one.bounding_box() for one in names.all()]
    assert boxes[0]["y"] == pytest.approx(boxes[1]["y"], abs=20) and boxes[0]["x"] < 150
    inside.get_by_label("unmap_only").focus()
    page.keyboard.press("Space")
    assert names.count() == 3
    assert axe.Axe().run(page, context=".ptlab-framed").response["violations"] == []
