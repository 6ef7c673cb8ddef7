"""Look at the whole site in Chromium, without a network: `python -m docs.site.check [FOLDER]`.

Every page, from `file:`, at 1280 pixels light and dark and at 360 pixels: nothing comes from elsewhere,
nothing is said on the console, nothing is wider than the window, axe finds nothing in the page and in
its frames, and no file is over 2 MB. Every frame plays: a stage takes a step or runs a task, a question
shows its answer when it is asked to, and not before.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Frame, Page, TimeoutError, sync_playwright

MOST_BYTES = 2_000_000
_PATIENCE = 10_000
LOOKS = ((1280, "light"), (1280, "dark"), (360, "light"))
_FLAGS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
_AXE = """async (rules) => (await axe.run({rules, iframes: false, preload: false})).violations.map(
  ({id, nodes}) => `${id}: ${nodes.slice(0, 3).map((one) => one.html.slice(0, 120)).join(" | ")}`)"""
_OF_THE_WHOLE_PAGE = {"page-has-heading-one": {"enabled": False}}
_FILLED = "() => [...document.querySelectorAll('.ptlab-framed')].every((one) => one.srcdoc)"
_LOCAL = ("file:", "data:", "about:", "blob:")


def faults(site: Path) -> Iterator[tuple[str, str]]:
    """What is wrong with the site in the folder `site`: where, and what."""
    pages = sorted(site.rglob("*.html"))
    if not pages:
        yield str(site), "no pages: run `make site` first"
    for page in pages:
        if page.stat().st_size > MOST_BYTES:
            yield str(page.relative_to(site)), f"{page.stat().st_size} bytes"
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        for width, scheme in LOOKS:
            context = browser.new_context(
                viewport={"width": width, "height": 800},
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            page, said = context.new_page(), list[str]()
            _listen(page, said)
            for path in pages:
                said.clear()
                for fault in (*_look(page, path, width, scheme), *said):
                    yield f"{path.relative_to(site)}, {width} pixels, {scheme}", fault
            context.close()
        browser.close()


def _listen(page: Page, said: list[str]) -> None:
    """Note in `said` what the page complains of, and what it asks others for."""
    page.on("console", lambda message: said.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda sent: sent.url.startswith(_LOCAL) or said.append(sent.url))


def _look(page: Page, path: Path, width: int, scheme: str) -> Iterator[str]:
    """One page in one look; its frames play in light colours."""
    page.goto(path.as_uri())
    _fill_frames(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        yield f"the page is {wide} pixels wide"
    for frame in page.frames:
        frame.evaluate(AXE_SCRIPT)
        rules = {} if frame == page.main_frame else _OF_THE_WHOLE_PAGE
        yield from (f"axe: {found}" for found in frame.evaluate(_AXE, rules))
    if scheme == "light":
        for frame in page.frames[1:]:
            yield from _plays(frame)


def _fill_frames(page: Page) -> None:
    """Scroll through the page, so that each of its frames is filled."""
    for frame in page.locator(".ptlab-framed").all():
        frame.scroll_into_view_if_needed()
    page.wait_for_function(_FILLED)
    for frame in page.frames[1:]:
        frame.locator("main button").first.wait_for(state="attached")


def _plays(frame: Frame) -> Iterator[str]:
    """A stage goes on by one, a question answers; or what does not work."""
    if frame.locator(".ptlab-guess").count():
        yield from _answers(frame)
        return
    able = frame.locator("main button:enabled:not([aria-disabled=true]):visible")
    go = able.filter(has_text=re.compile(r"^\s*(Run [A-Z]|Step)\s*$"))
    if not go.count():
        return  # a race that is too large to be played, or a story at its end
    before = frame.locator("main").inner_text()
    go.first.press("Enter")
    if frame.locator("main").inner_text() == before:
        yield f"{frame.title()}: nothing changes"


def _answers(frame: Frame) -> Iterator[str]:
    """A question keeps its answer to itself until it has a guess, and unfolds what explains it."""
    shown, show = frame.locator(".ptlab-guess-verdict"), frame.get_by_role("button", name="Show me")
    if any(text.strip() for text in shown.all_inner_texts()):
        yield f"{frame.title()}: the answer is there before a guess"
    show.press("Enter")
    try:
        frame.get_by_role("button", name="Start again").wait_for(timeout=_PATIENCE)
    except TimeoutError:
        yield f"{frame.title()}: no answer: {frame.locator('main').inner_text()}"
        return
    if not all("answer" in text for text in shown.all_inner_texts()):
        yield f"{frame.title()}: not all is answered: {frame.locator('main').inner_text()}"


if __name__ == "__main__":
    places: dict[str, list[str]] = {}
    for place, fault in faults(Path(sys.argv[1] if len(sys.argv) > 1 else "build/site").resolve()):
        places.setdefault(fault, []).append(place)
        if len(places[fault]) == 1:
            print(f"{place}: {fault}", flush=True)
    for fault, where in places.items():
        if len(where) > 1:
            print(f"in {len(where)} places: {fault}")
    sys.exit(1 if places else 0)
