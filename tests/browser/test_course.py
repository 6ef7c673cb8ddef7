"""The course in JupyterLab: Run All, and there are page tables; nothing is asked of another machine."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

COURSE = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", COURSE, ids=lambda path: path.stem)
def test_run_all_shows_the_page_tables(lab, page, notebook):
    lab.open_notebook(lab.copy(notebook))
    lab.run_all()
    shown = page.locator(".jp-OutputArea-output .ptlab").first
    # Run All leaves the last cell in view; JupyterLab 4.4 hides the cells far above it.
    shown.evaluate("shown => shown.scrollIntoView()")
    assert shown.locator("svg g.node").count() > 0
    can_be_used = shown.get_by_role(
        "button", name=re.compile("^(Step|Back|Run A)$"), disabled=False
    )
    assert can_be_used.count() > 0
