"""A notebook that is opened again, without the kernel that made its outputs, shows pages that play."""

from typing import Any

import nbformat
import pytest
from nbformat.sign import NotebookNotary

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

CLOSE_ALL = "window.jupyterapp.commands.execute('application:close-all')"
SAVE = "window.jupyterapp.commands.execute('docmanager:save')"


def test_the_page_takes_the_place_of_a_widget_without_a_kernel(lab: Any, page: Any) -> None:
    lab.write(
        "again.ipynb",
        "import ptlab\nptlab.story('mmap s0 2M\\ntouch w s0 4K', 'pte_refcount')",
        "ptlab.race('pmd-same', schedule='AAA')",
        "from ptlab.widgets.guess import Guess\nGuess('How much?', lambda: 8, unit='kB')",
    )
    lab.open_notebook("again.ipynb")
    lab.run_all()
    playwright.expect(page.locator(".ptlab-stage")).to_have_count(2)
    frames, late = page.locator(".ptlab-framed"), page.locator(".ptlab-late")
    assert [one.is_visible() for one in late.all()] == [False] * 3
    assert [one.get_attribute("srcdoc") for one in frames.all()] == [None] * 3, "nothing is loaded"
    unanswered = frames.nth(2).get_attribute("data-page")
    page.locator(".ptlab-guess").get_by_role("textbox").fill("12")
    page.locator(".ptlab-guess").get_by_role("button", name="Check").click()
    page.locator(".ptlab-guess").get_by_text("8 kB").wait_for()
    page.wait_for_function(
        "page => document.querySelectorAll('.ptlab-framed')[2].dataset.page !== page",
        arg=unanswered,
    )
    page.evaluate(SAVE)
    for kernel in page.request.get(f"{lab.server.url}/api/kernels").json():
        page.request.delete(f"{lab.server.url}/api/kernels/{kernel['id']}")

    page.evaluate(CLOSE_ALL)
    lab.open_notebook("again.ipynb", theme="dark")
    page.wait_for_timeout(1600)  # the pages wait for the widgets, which could still come
    for k, place in enumerate((".ptlab-stage", ".ptlab-stage", ".ptlab-guess")):
        frames.nth(k).scroll_into_view_if_needed()
        inside = frames.nth(k).content_frame
        inside.locator(place).wait_for()
        assert late.nth(k).is_visible()
        high = inside.locator("main").bounding_box()["height"]
        assert abs(frames.nth(k).bounding_box()["height"] - high) < 2, "as high as its page"
    assert "Error displaying" not in page.locator(".jp-Notebook").inner_text()
    frames.first.content_frame.get_by_role("button", name="Step", exact=True).click()
    assert frames.first.content_frame.locator(".ptlab").get_attribute("data-position") == "1"
    answered = frames.nth(2).content_frame
    assert answered.get_by_role("textbox", name="How much?").input_value() == "12"
    assert "answer: 8 kB" in answered.locator(".ptlab-guess").inner_text()
    without_any_kernel(lab, page)


def without_any_kernel(lab: Any, page: Any) -> None:
    """The same notebook where JupyterLab has no kernel for it, and the reader chooses none."""
    notebook = nbformat.read(lab.server.root / "again.ipynb", as_version=4)
    notebook.metadata = {}  # else it names the kernel
    nbformat.write(notebook, lab.server.root / "none.ipynb")
    NotebookNotary(data_dir=str(lab.server.data)).sign(notebook)
    page.evaluate(CLOSE_ALL)
    page.evaluate(
        "void window.jupyterapp.commands.execute('docmanager:open', {path: 'none.ipynb'})"
    )
    page.locator(".jp-Dialog").get_by_role("button", name="No Kernel").click()
    assert page.locator(".jp-Toolbar-kernelName").inner_text() == "No Kernel"
    page.wait_for_timeout(1600)
    inside = page.locator(".ptlab-framed").first.content_frame
    inside.get_by_role("button", name="Step", exact=True).click()
    assert inside.locator(".ptlab").get_attribute("data-position") == "1"
