"""README's picture: the stage at the step at which an entry of the stack's PTE page is set.

Run `python docs/make_picture.py` where playwright and a Chromium are (`pip install 'ptlab[test]'`).
"""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import ptlab

PICTURE = Path(__file__).parent / "img" / "stepper.png"
WIDTH, HEIGHT = 882, 660
TIMES_AS_SHARP = 1.5


def entry_set(story: ptlab.Story) -> int:
    """The last step that sets an entry."""
    return max(k for k, step in enumerate(story.steps, 1) if step.kind == "set")


def main() -> None:
    """Write the picture."""
    story = ptlab.story("heap-and-stack", "pte_refcount")
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_of = story.export_html(Path(folder) / "story.html").as_uri()
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=TIMES_AS_SHARP
        )
        page.goto(f"{page_of}#step={entry_set(story)}")
        page.locator(".ptlab[data-position]").wait_for()
        page.add_style_tag(content="h1, .ptlab-foot { display: none !important; }")
        page.locator("main").screenshot(path=str(PICTURE))
        browser.close()


if __name__ == "__main__":
    main()
