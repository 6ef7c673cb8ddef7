"""What the frames of a site share: a picture carries its payload, and no copy of its player.

A frame's page holds the style and code of its player, some 30 kB. In the site they are in one file,
static/players.js, and a mark stands in their place; static/page.js puts them back when the frame is
filled. A page of a `file:` address can load a script, but not fetch a file.
"""

from __future__ import annotations

import json
from functools import cache

from ptlab.widgets.page import DESIGNS, SCHEDULER, STATIC, STEPPER, stage


@cache
def players() -> dict[str, str]:
    """What several frames hold alike, by a name for it."""
    plain = {
        name: (STATIC / name).read_text(encoding="utf-8") for name in ("guess.js", "guess.css")
    }
    return {player.bundle: stage(player) for player in (STEPPER, SCHEDULER, DESIGNS)} | plain


def as_script() -> str:
    """static/players.js: the players by name."""
    return f"window.ptlabPlayers = {json.dumps(players())};\n"


def without_players(html: str) -> str:
    """`html`, in which a mark such as {{ptlab:guess.js}} stands for each player in a frame."""
    for name, text in players().items():
        quoted = text.replace("&", "&amp;").replace("'", "&#39;")
        html = html.replace(quoted, f"{{{{ptlab:{name}}}}}")
    return html
