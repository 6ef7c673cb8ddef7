"""The stepper in JupyterLab: from a click on Step to the painted frame, and frames while scrubbing.

python -m benchmarks.stepper

Chromium, JupyterLab and the reason when there is no Chromium come from the browser tests' fixtures,
which is why this file is handed to pytest.
"""

from statistics import median, quantiles
from typing import Any

import pytest

from benchmarks.measure import machine, spread

GIGABYTES = 4
TABLES = 11  # PTE pages in each of them: 1 PGD + 1 PUD + 4 PMD + 44 PTE pages are 50 nodes
CLICKS = 100
SCRUB_MS = 3000
SCRUBS = 3
FRAME_MS = 1000 / 60

# Neighbours differ in the number of their entries: alike ones would be folded into one node.
SCENARIO = "\n".join(
    [
        f"mmap s0 {GIGABYTES}G noreserve",
        *(
            f"touch w s0+{gigabyte}G+{2 * table}M {4 + 4 * (table % 2)}K"
            for gigabyte in range(GIGABYTES)
            for table in range(TABLES)
        ),
        f"madvise DONTNEED s0 {GIGABYTES}G",
    ]
)

# `painted`: from the moment the browser got the click to the second frame after it, when the first
# has been painted. `work`: what the page itself did in between, from the window down and up again.
LISTEN = """root => {
  window.clicks = [];
  let began;
  window.addEventListener("click", () => { began = performance.now(); }, {capture: true});
  window.addEventListener("click", (event) => {
    const work = performance.now() - began, {position} = root.dataset;
    requestAnimationFrame(() => requestAnimationFrame(() => window.clicks.push(
      {painted: performance.now() - event.timeStamp, work, position: Number(position)})));
  });
}"""
# With `move`, one input in every frame, as a dragged slider sends them: to the end and back in 3 s.
FRAMES = """async (root, [move, milliseconds]) => {
  const slider = root.querySelector("input[type=range]"), last = Number(slider.max);
  const frame = () => new Promise(requestAnimationFrame);
  const begin = await frame(), gaps = [];
  for (let before = begin, now = begin; now - begin < milliseconds; before = now) {
    if (move) {
      const turn = (now - begin) / 1500 % 2;
      slider.value = Math.round((turn < 1 ? turn : 2 - turn) * last);
      slider.dispatchEvent(new Event("input", {bubbles: true}));
    }
    now = await frame();
    gaps.push(now - before);
  }
  return gaps;
}"""


def main() -> None:
    """Let pytest run the measurement below; SystemExit if it fails."""
    failed = pytest.main(["-p", "tests.browser.conftest", "-q", "-s", "--no-header", __file__])
    if failed:
        raise SystemExit(failed)


def test_stepper(lab: Any, page: Any) -> None:
    lab.write("stepper.ipynb", f"import ptlab\nptlab.story({SCENARIO!r}, scheme='pte_refcount')")
    lab.open_notebook("stepper.ipynb")
    lab.run_all()
    stepper = page.locator(".ptlab")
    stepper.wait_for()
    slider = stepper.get_by_role("slider", name="Position in the story")
    step = stepper.get_by_role("button", name="Step", exact=True)
    last = int(slider.get_attribute("max"))
    starts = [last * click // CLICKS for click in range(CLICKS)]
    print(
        f"\nstepper in JupyterLab: {stepper.locator('g.node').count()} nodes, {last} steps; "
        f"{CLICKS} clicks all over the story, {SCRUBS} times {SCRUB_MS // 1000} s of scrubbing"
    )

    stepper.evaluate(LISTEN)
    for start in starts:
        slider.fill(str(start))
        stepper.get_by_role("heading", level=2).click()
        step.click()
    page.wait_for_function(f"window.clicks.length === {2 * CLICKS}")
    clicks = page.evaluate("window.clicks")
    idle, stepped = clicks[::2], clicks[1::2]
    assert [click["position"] for click in idle] == starts
    assert [click["position"] for click in stepped] == [start + 1 for start in starts]
    bound = median(click["painted"] for click in idle)
    clicked("click on Step to painted", [click["painted"] for click in stepped], bound)
    clicked("click on nothing to painted (bound)", [click["painted"] for click in idle], bound)
    clicked("of it, the stepper's own work", [click["work"] for click in stepped], bound)

    still, scrubbed = [], []
    for _ in range(SCRUBS):
        still.append(stepper.evaluate(FRAMES, [False, SCRUB_MS]))
        scrubbed.append(stepper.evaluate(FRAMES, [True, SCRUB_MS]))
    bound = median(map(rate, still))
    framed("scrubbing", scrubbed, bound)
    framed("nothing moves (bound)", still, bound)


def clicked(what: str, milliseconds: list[float], bound: float) -> None:
    """Print the median, the 90th percentile and the worst, and the median against the bound."""
    middle, worst = median(milliseconds), max(milliseconds)
    tenth = quantiles(milliseconds, n=10)[-1]
    print(
        f"{what:38}{middle:6.1f} ms median, {tenth:6.1f} p90, {worst:6.1f} worst"
        f"{middle / bound:8.2f} of the bound"
    )


def rate(gaps: list[float]) -> float:
    """Frames a second."""
    return 1000 * len(gaps) / sum(gaps)


def framed(what: str, runs: list[list[float]], bound: float) -> None:
    """Print the median rate (lowest to highest), and the frames half a frame late or more."""
    rates = [rate(gaps) for gaps in runs]
    late = sum(gap > 1.5 * FRAME_MS for gaps in runs for gap in gaps)
    print(
        f"{what:38}{spread(rates, '.1f')} frames a second, {late} of {sum(map(len, runs))} late, "
        f"longest {max(map(max, runs)):.0f} ms{median(rates) / bound:8.2f} of the bound"
    )


if __name__ == "__main__":
    print(machine(), flush=True)
    main()
