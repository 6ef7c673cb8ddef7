"""The course in JupyterLab: Run All, and there are page tables, and no answer before it is asked for."""

import re
from pathlib import Path

import nbformat
import pytest

from tests.support.answers import EARLY, asked

pytestmark = pytest.mark.browser

COURSE = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", COURSE, ids=lambda path: path.stem)
def test_run_all_shows_the_page_tables_and_then_every_question_has_its_answer(lab, page, notebook):
    nbformat.write(asked(notebook, EARLY), lab.server.root / notebook.name)
    lab.open_notebook(notebook.name)
    lab.run_all()
    shown = page.locator(".jp-OutputArea-output .ptlab").first
    # Run All leaves the last cell in view; JupyterLab 4.4 hides the cells far above it.
    shown.evaluate("shown => shown.scrollIntoView()")
    assert shown.locator("svg g.node").count() > 0
    can_be_used = shown.get_by_role(
        "button", name=re.compile("^(Step|Back|Run A)$"), disabled=False
    )
    assert can_be_used.count() > 0
