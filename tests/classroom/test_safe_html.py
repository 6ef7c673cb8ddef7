"""Nothing that a student has written runs in the browser of whoever looks at it."""

import base64
import re
from html import escape

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
    "$\\mmlToken{mi}[href=javascript:WON()]{x}$",
    "`<script>`<script>WON()</script>",
]


@pytest.mark.parametrize("text", SCRIPTS)
def test_no_script_runs_in_markdown_or_html(text):
    for page in (markdown2html(safe_html.markdown(text)), safe_html.html(text)):
        assert not LIVE.search(page), page
        assert "\\href" not in page and "\\mml" not in page


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
    notebook.metadata |= {"language_info": {"pygments_lexer": "a slow one"}, "kernelspec": 7}
    free["id"] = '"><script>'
    safe_html.tidy(notebook)
    assert notebook.metadata.pop("language_info")["pygments_lexer"] == "ipython3"
    assert notebook.metadata.pop("kernelspec")["name"] == "python3"
    assert notebook.metadata == {"ptlab": {"version": 3}}
    assert [cell.source for cell in notebook.cells] == ["[a](b)", "[a] (b)"]
    assert locked.metadata == {"nbgrader": {"locked": True}} and free.metadata == {}
    assert free.id == "cell-1"


def test_a_drawing_is_shown_as_a_picture_and_what_is_around_it_is_clean():
    drawing = '<svg viewBox="0 0 9 9"><script>WON()</script><a href="javascript:WON()">x</a></svg>'
    page = safe_html.html(
        f"<b onclick=WON()>before</b>{drawing}<script>WON()</script>after{drawing}"
    )
    pictures = re.findall(
        r'<img alt="a drawing" src="data:image/svg\+xml;base64,([\w+/=]+)">', page
    )
    assert len(pictures) == 2 and len(set(pictures)) == 1
    text = base64.b64decode(pictures[0]).decode()
    assert text == drawing.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"')
    rest = re.sub(r"<img [^>]*>", "", page)
    assert not LIVE.search(rest) and "<b>before</b>" in rest and "after" in rest


@pytest.mark.parametrize(
    "text",
    [
        "<svg><svg onload=WON()></svg>",
        "<svg></svg></svg><svg onload=WON()>",
        '<SVG x="</svg><img src=x onerror=WON()>"></svg>',
        "<svg/onload=WON()></svg\n><script>WON()</script>",
        '"><svg></svg><b title="<img src=x onerror=WON()>">',
    ],
)
def test_a_half_drawing_brings_nothing_in(text):
    rest = re.sub(
        r'<img alt="a drawing" src="data:image/svg\+xml;base64,[\w+/=]+">', "", safe_html.html(text)
    )
    assert not LIVE.search(rest), rest


@pytest.mark.parametrize("piece", ["<", "&lt", "<b><i>", "<svg ", "<b></i>", "</p>", "<!--"])
def test_what_would_take_the_cleaner_minutes_is_shown_as_text(piece):
    """Its time grows with the square of them: one cell of these would hold up a whole class."""
    text = piece * (250_000 // len(piece))
    assert safe_html.html(text) == f"<pre>{escape(text)}</pre>"


def test_the_data_of_a_picture_ends_no_attribute():
    assert safe_html.base64_alone('iVBOR/+w==\n"><script>') == "iVBOR/+w==\nscript"


def test_a_table_of_a_thousand_cells_stays_one():
    row = "<tr>" + "<td>1 &lt; 2</td>" * 10 + "</tr>"
    table = f"<table><tbody>{row * 100}</tbody></table>"
    assert safe_html.html(table) == table
