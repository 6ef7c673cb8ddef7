"""Nothing that a student has written runs in the browser of whoever looks at it."""

import re

import pytest
from nbconvert.filters import markdown2html
from nbformat.v4 import new_markdown_cell, new_notebook

from ptlab.classroom import safe_html

LIVE = re.compile(r"<(script|svg|img|iframe|object|a)\b|<[^>]*\b(on\w+|style|href|src)\s*=", re.I)
SCRIPTS = [
    "<script>WON()</script>",
    "<img src=x onerror=WON()>",
    "<svg/onload=WON()>",
    "<b onclick=WON()>x</b>",
    "<br/onmouseover=WON()>",
    "<details open ontoggle=WON()>",
    "[x](javascript:WON())",
    "[x](&#106;avascript:WON())",
    "![x](javascript:WON())",
    "[x][y]\n\n[y]: javascript:WON()",
    "<javascript:WON()>",
    "<!--><script>WON()</script>-->",
    "<a\nhref=javascript:WON()>x</a>",
    "$\\href{javascript:WON()}{x}$",
    "`<script>`<script>WON()</script>",
]


@pytest.mark.parametrize("text", SCRIPTS)
def test_no_script_runs_in_markdown_or_html(text):
    for page in (markdown2html(safe_html.markdown(text)), safe_html.html(text)):
        assert not LIVE.search(page), page
        assert "\\href" not in page


def test_what_is_harmless_stays():
    text = (
        "**words**, `a[1]`, x < 3, <details><summary>Hint</summary>\n\n|a|\n|-|\n|1|\n\n</details>"
    )
    assert safe_html.markdown(text) == text
    table = "<table><tbody><tr><td>1</td></tr></tbody></table>"
    assert safe_html.html(table) == table


def test_a_notebook_keeps_what_grading_needs():
    locked = new_markdown_cell("[a](b)", metadata={"nbgrader": {"locked": True}, "tags": ["x"]})
    free = new_markdown_cell("[a](b)", metadata={"jupyter": {}})
    notebook = new_notebook(cells=[locked, free], metadata={"title": "x", "ptlab": {"version": 3}})
    free["id"] = '"><script>'
    safe_html.tidy(notebook)
    assert notebook.metadata == {"ptlab": {"version": 3}}
    assert [cell.source for cell in notebook.cells] == ["[a](b)", "[a] (b)"]
    assert locked.metadata == {"nbgrader": {"locked": True}} and free.metadata == {}
    assert free.id == "cell-1"
