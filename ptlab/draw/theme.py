"""A drawn tree inside a page of HTML, in the page's colours: light, or JupyterLab's dark theme.

JupyterLab shows image/svg+xml as an `<img>`, which its themes do not reach.
"""

from __future__ import annotations

import re
from html import escape

from ptlab.draw.palette import GROUND, INK, KINDS, LEVELS, LINE

DARK = {
    tone.light: tone.dark
    for tone in (GROUND, INK, *LEVELS.values(), *(kind.tone for kind in KINDS.values()))
}
"""What each colour of a drawn tree becomes on a dark ground."""

_STYLE = (
    "<style>.ptlab-drawn { color-scheme: light; overflow-x: auto; } "
    ".ptlab-drawn > svg { display: block; max-width: 100%; height: auto; } "
    "[data-jp-theme-light='false'] .ptlab-drawn { color-scheme: dark; } "
    + " ".join(
        f".ptlab-drawn [fill='{light}'] {{ fill: light-dark({light}, {dark}); }}"
        for light, dark in DARK.items()
    )
    + f" .ptlab-drawn [stroke='{LINE.light}'] {{ stroke: light-dark({LINE.light}, {LINE.dark}); }}"
    + "</style>"
)


def themed(svg: str, label: str) -> str:
    """HTML with the `<svg>` element that Graphviz drew; `label` is what it shows, in words.

    It loses its ids, because a page may have each id only once, and its titles, because they would
    be tooltips.
    """
    plain = re.sub(r'<title>.*?</title>\n?|(?<=<g) id="[^"]*"', "", svg)
    # A tree that is too wide shrinks until its small print has 8 pixels; then it scrolls, by keys too.
    least = int(re.findall(r'width="(\d+)pt"', svg)[0]) * 2 // 3
    plain = plain.replace("<svg", f'<svg style="min-width: {least}pt"', 1)
    named = f'<div class="ptlab-drawn" role="img" tabindex="0" aria-label="{escape(label)}">'
    return f"{_STYLE}{named}{plain}</div>"
