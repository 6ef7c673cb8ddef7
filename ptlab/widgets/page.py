"""A payload as a page of HTML that plays by itself: alone in a file, or in a frame of another page."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from ptlab.widgets.packing import compressed, packed, without_stills

STATIC = Path(__file__).parent / "static"
"""What a browser loads: style sheets, and the modules of src/ bundled by `make front-end`."""

_PAGE = Path(__file__).with_name("page.html")
_AROUND = ("ground", "quiet")
"""The colours of the page around the stage."""
_MAY = "allow-scripts allow-popups allow-popups-to-escape-sandbox"
"""What a frame may do: run scripts, and open the kernel's source in a window like any other."""
_FRAME_HEIGHT = 690
"""Pixels of a frame until its page says how high it is."""
_STYLE = """<style>
.ptlab-framed + .ptlab-still { display: none; }
.ptlab-framed { width: 100%; border: 0; }
[data-jp-theme-light="true"] .ptlab-framed { color-scheme: light; }
[data-jp-theme-light="false"] .ptlab-framed { color-scheme: dark; }
</style>"""
# The frame is filled when it comes into view: in JupyterLab it is hidden as long as the widget lives.
# A page in it that may keep nothing itself asks the page around it to. Where that may not either,
# nothing is kept.
# A site has what all pages share in a file of its own, and puts it in.
_SCRIPT = """<script>{
  const frame = document.currentScript.parentElement.querySelector(".ptlab-framed");
  new IntersectionObserver((seen, observer) => {
    if (!seen.some(({ isIntersecting }) => isIntersecting)) return;
    observer.disconnect();
    frame.srcdoc = window.ptlabWhole ? ptlabWhole(frame.dataset.page) : frame.dataset.page;
  }).observe(frame);
  const kept = `ptlab ${location.pathname} ${frame.title}`;
  addEventListener("message", ({ data, source }) => {
    if (source !== frame.contentWindow) return;
    const high = Math.min(3000, Math.ceil(data?.ptlabHeight));
    if (high > 0) frame.style.height = `${high}px`;
    if (data?.ptlabKeep) try { localStorage.setItem(kept, data.ptlabKeep); } catch {}
  });
  frame.addEventListener("load", () => {
    try { frame.contentWindow.postMessage({ ptlabKept: localStorage.getItem(kept) }, "*"); } catch {}
  });
}</script>"""


class Player(NamedTuple):
    """What plays a kind of payload: the bundle, its function, and its style sheets."""

    bundle: str
    mount: str
    sheets: tuple[str, ...]

    @property
    def css(self) -> str:
        """All that the stage needs of style."""
        return "".join((STATIC / sheet).read_text(encoding="utf-8") for sheet in self.sheets)


STEPPER = Player("stepper", "mountPage", ("stepper.css", "lecture.css"))
SCHEDULER = Player("scheduler", "mountRace", ("stepper.css", "scheduler.css", "lecture.css"))
DESIGNS = Player("designs", "mountDesigns", ("stepper.css", "designs.css"))


def picture(story: Mapping[str, Any]) -> str:
    """One moment of each pane of `story`, as `<img>` elements, for viewers that run no script.

    An inline `<svg>` would be cut to bare text by JupyterLab in an untrusted notebook.
    """
    return "".join(
        f'<p><img alt="{html.escape(pane["still"]["text"])}" '
        f'src="data:image/svg+xml;base64,{base64.b64encode(pane["still"]["svg"].encode()).decode()}">'
        f"<br>{html.escape(pane['heading'])}. {html.escape(pane['still']['text'])}</p>"
        for pane in story["panes"]
    )


@cache
def stage(player: Player) -> str:
    """Style and code of a player, as a page carries them."""
    code = (STATIC / f"{player.bundle}.js").read_text(encoding="utf-8")
    return compressed({"css": player.css, "code": code})


def page(payload: Mapping[str, Any], title: str, player: Player, still: str) -> str:
    """The whole page of a story or a race. `still` is what it shows where no script runs."""
    story = payload.get("story", payload)
    return filled(without_stills(payload), title, player, story["palette"], still)


def filled(
    state: Mapping[str, Any], title: str, player: Player, palette: Mapping[str, Any], still: str
) -> str:
    """A page in which `player` shows `state`, in the colours of `palette`."""
    around = palette["interface"]
    colours = {
        name: f"light-dark({around[name]['light']}, {around[name]['dark']})" for name in _AROUND
    }
    return Template(_PAGE.read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        stage=stage(player),
        payload=packed(state),
        picture=still,
        mount=player.mount,
        **colours,
    )


def framed(inside: str, title: str, still: str) -> str:
    """A page in a frame that may run scripts and nothing else; without frames, `still`.

    A viewer that takes frames out takes the style out too, and then `still` is seen.
    """
    # Scripts are full of double quotes, each of which would take six characters.
    quoted = inside.replace("&", "&amp;").replace("'", "&#39;")
    return (
        f'{_STYLE}<iframe class="ptlab-framed" sandbox="{_MAY}" allow="fullscreen" '
        f'title="{html.escape(title)}" style="height: {_FRAME_HEIGHT}px" '
        f"data-page='{quoted}'></iframe>"
        f'<div class="ptlab-still">{still}</div>{_SCRIPT}'
    )


def framed_story(payload: Mapping[str, Any], title: str, player: Player) -> str:
    """The page of a payload in a frame; without frames, the picture of one moment."""
    still = picture(payload.get("story", payload))
    return framed(page(payload, title, player, ""), title, still)
