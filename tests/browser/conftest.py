"""What the browser tests share: Chromium, a JupyterLab of their own, and a page that stays local.

A test asks for ``lab`` (and for ``page``, the tab that the lab is shown in) and drives it::

    def test_tree(lab, page):
        lab.write("tree.ipynb", "import ptlab", "ptlab.story('mmap s0 2M')")
        lab.open_notebook("tree.ipynb", theme="dark")
        lab.run_all()
        page.locator(...)

Every page is watched: a test in which it asks another machine for anything fails.
"""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn
from urllib.error import URLError

import nbformat
import pytest

from tests.support import chromium as chromium_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM_FLAGS = [
    "--no-sandbox",  # CI runs as root, where the sandbox refuses to start
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No other name than this machine's can be looked up, so nothing gets out.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
LOCAL = ("http://127.0.0.1:", "ws://127.0.0.1:", "file:", "data:", "blob:", "about:")
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
# Lab's own commands, which are the menus' commands, by the application object that the server is
# told to expose.
USE_THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
OPEN = "path => window.jupyterapp.commands.execute('docmanager:open', {path})"
# Disposed and not closed: JupyterLab would ask whether to save.
CLOSE_ALL = "() => [...window.jupyterapp.shell.widgets('main')].forEach(panel => panel.dispose())"
# The page calls a kernel idle before it is connected, and what runs then is lost.
KERNEL_IS_READY = """() => {
  const kernel = window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
RUN_ALL = """() => {
  window.ptlabHasRun = false;
  const run = window.jupyterapp.commands.execute('notebook:run-all-cells');
  run.finally(() => { window.ptlabHasRun = true; });
}"""
ERRORS = """() => {
  const cells = window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells;
  return cells.filter(cell => cell.cell_type === 'code').flatMap((cell, i) => {
    const failed = cell.outputs.filter(output => output.output_type === 'error');
    const errors = failed.map(error => `code cell ${i}: ${error.ename}: ${error.evalue}`);
    const ran = cell.execution_count !== null || cell.source === '';
    return ran ? errors : [`code cell ${i} did not run`, ...errors];
  });
}"""
START_SECONDS = 60
LOAD_MS = 60_000
RUN_MS = 240_000


def _no_browser(reason: str) -> NoReturn:
    if os.environ.get("PTLAB_REQUIRE_BROWSER"):
        pytest.fail(f"PTLAB_REQUIRE_BROWSER is set, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium; without one the test is skipped."""
    path = chromium_of.found()
    if path is None:
        _no_browser(f"no browser found: none of {', '.join(chromium_of.NAMES)} is on PATH")
    if shutil.which(path) is None:
        pytest.fail(f"PTLAB_CHROMIUM names no program: {path}", pytrace=False)
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator["Browser"]:
    """One Chromium for all tests; each test has its own context in it."""
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError:
        _no_browser("playwright is not installed: pip install 'ptlab[test]'")
    expect.set_options(timeout=LOAD_MS)  # as long as a wait for an element: a machine may be busy
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def external_requests() -> list[str]:
    """Every address outside this machine that the test's page asked for."""
    return []


@pytest.fixture(scope="session")
def lab_tab(browser: "Browser") -> Iterator["Page"]:
    """The tab that JupyterLab is loaded in, once for all tests: it takes longer than a test."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def page(
    request: pytest.FixtureRequest, browser: "Browser", external_requests: list[str]
) -> Iterator["Page"]:
    """A tab of 1400 x 950: JupyterLab's, or one in a fresh context if the test asks for no lab.

    The test fails if it asks for anything external.
    """
    in_lab = "lab" in request.fixturenames
    page = request.getfixturevalue("lab_tab") if in_lab else browser.new_context().new_page()
    page.set_viewport_size({"width": 1400, "height": 950})

    def record(sent: Any) -> None:
        if not sent.url.startswith(LOCAL):
            external_requests.append(sent.url)

    page.context.on("request", record)
    page.on("websocket", record)
    yield page
    page.context.remove_listener("request", record)
    page.remove_listener("websocket", record)
    if not in_lab:
        page.context.close()
    assert external_requests == []


@dataclass
class LabServer:
    """A running JupyterLab: its address, the folder that it serves, and where it keeps its data."""

    url: str
    root: Path
    data: Path


def _free_port() -> int:
    """Below the ports that Linux hands out to whoever asks for any: other tests' kernels do."""
    while True:
        port = random.SystemRandom().randrange(20_000, 30_000)  # hypothesis seeds the other
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


@pytest.fixture(scope="session")
def lab_server(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """One JupyterLab for all tests, on a port of its own and with no settings of the user's."""
    home = tmp_path_factory.mktemp("jupyter")
    root = tmp_path_factory.mktemp("notebooks")
    config = home / "config" / "labconfig" / "page_config.json"
    config.parent.mkdir(parents=True)
    # Else "would you like to receive Jupyter news?" covers the first output.
    config.write_text(
        json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}})
    )
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        f"--ServerApp.root_dir={root}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.disable_check_xsrf=True",
        "--IdentityProvider.token=",
        "--LabApp.expose_app_in_browser=True",
    ]
    server = LabServer(f"http://127.0.0.1:{port}", root, home / "data")
    log_path = home / "lab.log"
    with (
        log_path.open("w") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_until_up(server, process, log_path)
            yield server
        finally:
            process.terminate()


def _wait_until_up(server: LabServer, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/api/status", timeout=2):
                return
        except (URLError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start; its log:\n{log.read_text()}", pytrace=False)


@dataclass
class Lab:
    """JupyterLab in one tab."""

    server: LabServer
    page: "Page"

    def copy(self, notebook: Path) -> str:
        """Put a copy of a notebook where the server finds it; returns its name there."""
        shutil.copy(notebook, self.server.root / notebook.name)
        return notebook.name

    def write(self, name: str, *sources: str) -> str:
        """Make a notebook of these code cells; returns its name."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in sources],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(notebook, self.server.root / name)
        return name

    def open_notebook(self, name: str, theme: Literal["light", "dark"] = "light") -> None:
        """Open a notebook as the only one and wait until its kernel can run cells."""
        if self.page.url.startswith(self.server.url):
            self.page.evaluate(CLOSE_ALL)
            self.page.evaluate(OPEN, name)
        else:
            self.page.goto(f"{self.server.url}/lab/tree/{name}?reset", timeout=LOAD_MS)
        self.page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for(timeout=LOAD_MS)
        self.use_theme(theme)
        self.page.wait_for_function(KERNEL_IS_READY, timeout=LOAD_MS)

    def run_all(self) -> None:
        """Run > Run All Cells; returns when the last cell has run, and fails if a cell failed."""
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function("window.ptlabHasRun", timeout=RUN_MS)
        errors = self.page.evaluate(ERRORS)
        assert errors == [], "\n".join(errors)

    def use_theme(self, theme: Literal["light", "dark"]) -> None:
        """Settings > Theme, and wait until its style sheet is in."""
        self.page.evaluate(USE_THEME, THEMES[theme])
        light = str(theme == "light").lower()
        self.page.locator(f'body[data-jp-theme-light="{light}"]').wait_for(state="attached")


@pytest.fixture
def lab(lab_server: LabServer, page: "Page") -> Iterator[Lab]:
    """JupyterLab in the test's page; its kernels are shut down after the test."""
    yield Lab(lab_server, page)
    if page.url.startswith(lab_server.url):
        page.evaluate(CLOSE_ALL)
    kernels = page.request.get(f"{lab_server.url}/api/kernels").json()
    for kernel in kernels:
        page.request.delete(f"{lab_server.url}/api/kernels/{kernel['id']}")
