"""A drawn tree inside a page of HTML, in the page's colours: light, or JupyterLab's dark theme.

JupyterLab shows image/svg+xml as an `<img>`, which its themes do not reach.
"""

from __future__ import annotations

import re
from html import escape

_LINE = "#5f6b7a"
DARK = {
    "#1b1f24": "#e8eaee",
    _LINE: "#a3afbd",
    "#ece7f6": "#262231",
    "#e3ecf8": "#1d2733",
    "#e2f1ec": "#1b2a26",
    "#fdf3dc": "#2d281b",
    "#0072b2": "#56b4e9",
    "#56b4e9": "#2f7cae",
    "#cc79a7": "#e08fbd",
    "#d55e00": "#ff8a4c",
    "#009e73": "#3fc79f",
    "#e69f00": "#e6c84a",
    "#000000": "#ffffff",
    "#ffffff": "#16181c",
}
"""What each colour of ptlab.draw.dot becomes on a dark ground; mostly as in the stepper."""

_STYLE = (
    "<style>.ptlab-drawn { color-scheme: light; overflow-x: auto; } "
    ".ptlab-drawn > svg { display: block; max-width: 100%; height: auto; } "
    "[data-jp-theme-light='false'] .ptlab-drawn { color-scheme: dark; } "
    + " ".join(
        f".ptlab-drawn [fill='{light}'] {{ fill: light-dark({light}, {dark}); }}"
        for light, dark in DARK.items()
    )
    + f" .ptlab-drawn [stroke='{_LINE}'] {{ stroke: light-dark({_LINE}, {DARK[_LINE]}); }}</style>"
)


def themed(svg: str, label: str) -> str:
    """HTML with the `<svg>` element that Graphviz drew; `label` is what it shows, in words.

    It loses its ids, of which a page may have each only once, and its titles, which would be tooltips.
    """
    plain = re.sub(r'<title>.*?</title>\n?|(?<=<g) id="[^"]*"', "", svg)
    # A tree that is too wide shrinks until its small print has 8 pixels; then it scrolls, by keys too.
    least = int(re.findall(r'width="(\d+)pt"', svg)[0]) * 2 // 3
    plain = plain.replace("<svg", f'<svg style="min-width: {least}pt"', 1)
    named = f'<div class="ptlab-drawn" role="img" tabindex="0" aria-label="{escape(label)}">'
    return f"{_STYLE}{named}{plain}</div>"
