"""Open the JupyterLite in Chromium: `python -m docs.site.check_lite [FOLDER]`.

A notebook is shown, and run. Whatever is asked of anybody but the server must be Pyodide, which no
network is here to bring: what follows cannot be tried so.
"""

from __future__ import annotations

import shutil
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import sync_playwright

PYODIDE = "https://cdn.jsdelivr.net/pyodide/"
_PATIENCE = 120_000


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of each request."""

    def log_message(self, *args: object) -> None:
        """Nothing."""


def asked_of_others(site: Path) -> set[str]:
    """What the first notebook asks others for when it is opened and run."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    home, asked = f"http://127.0.0.1:{server.server_port}", set[str]()
    flags = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page()
        page.context.on("request", lambda sent: asked.add(sent.url))
        # Its kernel may start, and ask for Pyodide, before the cell is run.
        with page.context.expect_event(
            "request", lambda sent: sent.url.startswith(PYODIDE), timeout=_PATIENCE
        ):
            page.goto(f"{home}/lab/index.html?path=00_start_here.ipynb", timeout=_PATIENCE)
            page.locator(".jp-CodeCell").first.wait_for(timeout=_PATIENCE)
            page.locator(".jp-CodeCell").first.click()
            page.keyboard.press("Shift+Enter")
        browser.close()
    server.shutdown()
    return {url for url in asked if not url.startswith((home, "data:", "blob:"))}


if __name__ == "__main__":
    asked = asked_of_others(Path(sys.argv[1] if len(sys.argv) > 1 else "build/lite").resolve())
    print("\n".join(sorted(asked)))
    sys.exit(0 if all(url.startswith(PYODIDE) for url in asked) else 1)
