"""What the frames of a site share: a picture of a page carries its payload, and no copy of its player.

A frame's page holds the bundle and the style sheet of its player, 66 kB. In the site they are in one
file, static/players.js, and a mark stands in their place; static/page.js puts them back when the frame
is filled. A page of a `file:` address can load a script, but not fetch a file.
"""

from __future__ import annotations

import json

from ptlab.widgets.page import STATIC

SHARED = tuple(sorted(path.name for path in STATIC.iterdir() if path.suffix in (".js", ".css")))


def text_of(name: str) -> str:
    """What a page holds of a shared file."""
    return (STATIC / name).read_text(encoding="utf-8")


def as_script() -> str:
    """static/players.js: the shared files by name."""
    return f"window.ptlabPlayers = {json.dumps({name: text_of(name) for name in SHARED})};\n"


def without_players(html: str) -> str:
    """`html`, in which a mark such as {{ptlab:guess.js}} stands for each shared file in a frame."""
    for name in SHARED:
        quoted = text_of(name).replace("&", "&amp;").replace("'", "&#39;")
        html = html.replace(quoted, f"{{{{ptlab:{name}}}}}")
    return html
