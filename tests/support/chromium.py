"""Whether there is a browser for the browser tests, and which; without one they are skipped."""

import importlib.util
import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def found() -> str | None:
    """The path of the system's Chromium, or the one that PTLAB_CHROMIUM names."""
    named = os.environ.get("PTLAB_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


def will_run() -> bool:
    """Whether the browser tests run here. Where they have to, they fail without a browser."""
    has_all = found() is not None and importlib.util.find_spec("playwright") is not None
    return has_all or bool(os.environ.get("PTLAB_REQUIRE_BROWSER"))
