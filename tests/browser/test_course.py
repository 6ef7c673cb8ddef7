"""The course in JupyterLab: Run All, and there is a stepper; nothing is asked of another machine."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

COURSE = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", COURSE, ids=lambda path: path.stem)
def test_run_all_shows_the_page_tables(lab, page, notebook):
    lab.open_notebook(lab.copy(notebook))
    lab.run_all()
    stepper = page.locator(".jp-OutputArea-output .ptlab").first
    # Run All leaves the last cell in view; JupyterLab 4.4 hides the cells far above it.
    stepper.evaluate("stepper => stepper.scrollIntoView()")
    assert stepper.locator("svg g.node").count() > 0
    assert stepper.get_by_role("button", name="Step", exact=True).is_enabled()
