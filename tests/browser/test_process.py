"""A process draws itself in JupyterLab, in the colours of the theme."""

from typing import Any

import pytest

from ptlab.draw.palette import INK, KINDS, LEVELS

axe = pytest.importorskip("axe_playwright_python.sync_playwright")

pytestmark = pytest.mark.browser

COLOURS = """(drawn) => {
  const seen = (selector) => {
    const { r, g, b } = Object.fromEntries(
      getComputedStyle(drawn.querySelector(selector)).fill.match(/\\d+/g).map((n, i) => ["rgb"[i], +n]));
    return "#" + [r, g, b].map((n) => n.toString(16).padStart(2, "0")).join("");
  };
  return { text: seen("text"), table: seen(".PTE path"), strip: seen(".PTE polygon") };
}"""


def test_a_process_follows_the_theme(lab: Any, page: Any) -> None:
    lab.write(
        "process.ipynb",
        "import ptlab\np = ptlab.Process()\np.touch(p.mmap(2 * ptlab.MiB))\np",
        "wide = ptlab.Process()\nwide.touch(wide.mmap(24 * ptlab.MiB), stride=300 * ptlab.KiB)\nwide",
    )
    lab.open_notebook("process.ipynb")
    lab.run_all()
    drawn = page.locator(".ptlab-drawn")
    drawn.nth(1).wait_for()
    tones = {"text": INK, "table": LEVELS["PTE"], "strip": KINDS["page"].tone}
    for name in ("light", "dark"):
        lab.use_theme(name)
        wanted = {part: getattr(tone, name) for part, tone in tones.items()}
        assert drawn.first.evaluate(COLOURS) == wanted
        found = axe.Axe().run(page, context=".jp-OutputArea-output")
        assert found.response["violations"] == []
    small = drawn.nth(1).evaluate(
        """(drawn) => Math.min(...[...drawn.querySelectorAll("text")].map(
            (text) => text.getAttribute("font-size") * text.getScreenCTM().a))"""
    )
    assert small >= 7.9, "a wide tree is scrolled, not shrunk until nobody can read it"
