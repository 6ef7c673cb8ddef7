"""Whatever a step changes is in view at that step, complete, on a laptop.

In JupyterLab with its side bar open an output panel has 950 x 679 pixels in a window of 1280 x 800, and
1110 x 779 in one of 1440 x 900; the stage gets 102 pixels less of the width.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import ptlab
from ptlab.costs.workloads import WORKLOADS, program
from ptlab.race.scenes import SCENES
from ptlab.scenario.builtin import builtin
from ptlab.widgets.page import SCHEDULER, STATIC, STEPPER, Player

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser

LAPTOPS = [(848, 679), (1008, 779)]
MARGINS = 32  # the exported page's own
HEIGHTS = {"story": 620, "comparison": 640, "race": 660}
TEACHING = [name for name, one in builtin().items() if one.group == "teaching"]

PLAYED = ("exclusive", "put-vmf", "pmd-same", "stackrot")  # with the goals of a page without Python
PLAY = "([mount, text]) => window[mount](document.getElementById('story'), JSON.parse(text))"
# For ten positions: what is not inside the panel that begins at the top of the stage.
OUTSIDE = """async ([width, height]) => {
  const stage = document.querySelector(".ptlab"), slider = stage.querySelector(".ptlab-time input");
  const frame = () => new Promise(requestAnimationFrame);
  const within = (part, box) => {
    const own = part.getBoundingClientRect(), edge = 1.5;
    return own.width > 0 && own.left >= box.left - edge && own.right <= box.right + edge
      && own.top >= box.top - edge && own.bottom <= box.bottom + edge;
  };
  const found = [];
  const look = () => {
    const { left, top } = stage.getBoundingClientRect(), at = stage.dataset.position;
    const panel = { left, top, right: left + width, bottom: top + height };
    const check = (what, part, box) => within(part, box) || found.push(`${at}: ${what}`);
    const said = ".ptlab-bar, .ptlab-time, .ptlab-lanes, .ptlab-sentence[aria-live]"
      + ", .ptlab-caches li:not([hidden])";
    for (const one of stage.querySelectorAll(said)) check(one.className, one, panel);
    const drawn = ".node:not(.is-absent):not([hidden])";
    for (const line of stage.querySelectorAll(`${drawn} :is(.line, .name)`)) {
      const frame = line.parentElement.querySelector(".frame");
      check("text", line, frame.getBoundingClientRect());
    }
    for (const card of stage.querySelectorAll(".ptlab-task")) {
      for (const lock of card.querySelectorAll("li")) check("lock", lock, card.getBoundingClientRect());
    }
    for (const locked of stage.querySelectorAll(`${drawn}.is-locked`)) {
      const [name, lock] = [".name", ".padlock"].map((one) => locked.querySelector(one));
      const over = name.getBoundingClientRect().right - lock.getBoundingClientRect().left;
      if (over > 0.5) found.push(`${at}: the lock lies on ${name.textContent}`);
    }
    for (const tree of stage.querySelectorAll(".ptlab-tree")) {
      const box = tree.getBoundingClientRect();
      check("tree", tree, panel);
      const table = tree.querySelector(".is-focus:not([hidden]) .frame");
      if (table) check("table", table, box);
    }
    for (const shown of stage.querySelectorAll(".ptlab-panel:not([hidden])")) {
      check("panel", shown, panel);
      const chosen = shown.querySelector(".ptlab-grid:not([hidden]) .chosen");
      if (chosen) check("entry", chosen, shown.getBoundingClientRect());
      const words = shown.querySelectorAll(":is(.ptlab-word, .ptlab-flags):not([hidden])");
      for (const part of words) check(part.className, part, shown.getBoundingClientRect());
    }
  };
  for (let k = 0; k < 2; k++) await frame(); // the tree has taken its size
  const tenths = slider ? [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] : [];
  const places = tenths.map((k) => Math.round(Number(slider.max) * k / 10));
  for (const place of places) {
    slider.value = place;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await frame();
    look();
  }
  const cells = [...stage.querySelectorAll(".ptlab-rows > :first-child > .ptlab-cell")];
  const every = Math.ceil(cells.length / 10);
  for (const [k, cell] of cells.reverse().entries()) {
    if (k % every) continue;
    cell.click();
    await frame();
    look();
  }
  const { bottom } = stage.querySelector(".ptlab-help").getBoundingClientRect();
  return { found, tall: bottom - stage.getBoundingClientRect().top };
}"""


@pytest.fixture
def stage(page: Any, tmp_path: Path) -> Any:
    """A page that is loaded once, on which one payload after the other is played."""
    page.emulate_media(reduced_motion="reduce")
    race = ptlab.race("stackrot", schedule="A")
    page.goto(race.export_html(tmp_path / "stage.html").as_uri())
    for player in (STEPPER, SCHEDULER):
        code = (STATIC / f"{player.bundle}.js").read_text(encoding="utf-8")
        page.add_script_tag(
            type="module", content=f"{code}\nwindow.{player.mount} = {player.mount}"
        )
        page.wait_for_function(f"'{player.mount}' in window")

    def show(payload: Any, player: Player) -> None:
        page.evaluate(PLAY, [player.mount, json.dumps(payload)])

    return show


@pytest.fixture
def outside(stage: Any, page: Any) -> Any:
    """What lies outside the panel of a laptop; fails if the stage is higher than it may be."""

    def look(payload: Any, kind: str, laptop: tuple[int, int] = LAPTOPS[0]) -> list[str]:
        width, height = laptop
        page.set_viewport_size({"width": width + MARGINS, "height": height})
        stage(payload, SCHEDULER if kind == "race" else STEPPER)
        seen = page.evaluate(OUTSIDE, [width, height])
        assert seen["tall"] <= HEIGHTS[kind]
        found: list[str] = seen["found"]
        return found

    return look


def told(name: str, scheme: str) -> Any:
    """The story of a scenario in the smallest steps that it can be told in; None if there are none."""
    for grain in ("entry", "table", "range"):
        try:
            return ptlab.story(name, scheme, grain=grain)
        except ValueError as error:
            assert "too many to step through" in str(error)
    return None


@pytest.mark.parametrize("laptop", LAPTOPS)
def test_every_teaching_scenario(
    outside: Any, laptop: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys.modules[ptlab.story.__module__], "LONGEST", 5_000
    )  # of what is told here
    names = TEACHING if laptop == LAPTOPS[0] else [*TEACHING[:2], "cover-letter"]
    stories = {name: told(name, "pte_refcount") for name in names}
    assert [name for name, story in stories.items() if story is None] == ["cover-letter"]
    for name, story in stories.items():
        assert story is None or outside(story.payload(), "story", laptop) == [], name


def test_workloads_that_a_story_can_hold(outside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[ptlab.story.__module__], "LONGEST", 11_000)
    held = []
    for name in WORKLOADS:
        text = "\n".join(op.text for op in program(name).ops)
        try:
            story = ptlab.story(text, "pt_reclaim", grain="range")
        except ValueError as error:
            assert "too many to step through" in str(error)
            continue
        held.append(name)
        assert outside(story.payload(), "story") == [], name
    assert len(held) > 4


def test_every_race(outside: Any) -> None:
    for name, scene in SCENES.items():
        line, scheduler = "", scene.start("broken")
        while enabled := scheduler.enabled():
            line += enabled[-1]
            scheduler.go(enabled[-1])
        race = ptlab.Race(scene, "broken", line)
        race = race.page() if name in PLAYED else race.payload()
        assert outside({**race, "position": len(line)}, "race") == [], name


def test_comparisons(outside: Any) -> None:
    for name in ("life-of-a-pte-page", "sparse-memory"):
        compared = ptlab.compare(name, "unmap_only", "pte_refcount")
        assert outside(compared.payload(), "comparison") == [], name


def test_a_fold_shows_the_table_that_changes_and_opens_by_key(page: Any, tmp_path: Path) -> None:
    story = ptlab.story("sparse-memory", "pte_refcount")
    page.goto(story.export_html(tmp_path / "fold.html").as_uri())
    nodes, steps = story.payload()["panes"][0]["nodes"], story.payload()["panes"][0]["steps"]
    seen = [k for k, step in enumerate(steps) if any(nodes[n]["inside"] for n in step["focus"])]
    slider = page.get_by_role("slider", name="Position in the story")
    for position in seen[:: len(seen) // 5]:
        slider.fill(str(position))
        assert page.locator(f"[data-node={steps[position]['focus'][0]}]").is_visible()
    slider.fill("240")
    fold = page.locator("[data-node^=f]")
    assert fold.get_attribute("aria-label") == "14 PMD pages, live: 14 of 14 live"
    before = page.locator("g.node:visible").count()
    fold.focus()
    page.keyboard.press("Enter")
    assert fold.get_attribute("aria-expanded") == "true"
    assert (
        page.locator("g.node:visible").count() == before + 26
    )  # two of its 28 tables are looked at
    page.keyboard.press("Enter")
    assert page.locator("g.node:visible").count() == before


# At a position: the boxes that are marked, what they say of the step, whether each lies inside the
# tree; and what the button below the tree names.
MARKED = """async (position) => {
  const slider = document.querySelector(".ptlab-time input");
  const tree = document.querySelector(".ptlab-tree"), head = tree.querySelector(".ptlab-heads");
  slider.value = position;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise(requestAnimationFrame);
  const { bottom } = tree.getBoundingClientRect(), top = head.getBoundingClientRect().bottom;
  const marked = tree.querySelectorAll("g.node:is(.is-changed, .is-focus):not([hidden])");
  const nodes = [...marked].map((g) => {
    const frame = g.querySelector(".frame").getBoundingClientRect();
    const inside = frame.top >= top && frame.bottom <= bottom;
    const [said, name] = [".change text", ".name"].map((part) => g.querySelector(part).textContent);
    return { id: g.dataset.node, inside, said, name };
  });
  const more = tree.querySelector(".ptlab-more button");
  return { nodes, more: more.checkVisibility() ? more.textContent : "" };
}"""


@pytest.mark.parametrize("levels", [4, 5])
def test_of_many_tables_that_a_step_changes_none_is_hidden(
    page: Any, tmp_path: Path, levels: int
) -> None:
    unlike = "".join(f"touch w s0+{2 * k}M {4 + 4 * (k % 2)}K\n" for k in range(20))
    alike = "".join(f"touch w s1+{k}G 4K\ntouch w s1+{k}G+2M 4K\n" for k in range(8))
    text = f"mmap s0 64M\nmmap s1 8G noreserve\n{unlike}{alike}fork 1\nmunmap s0 64M\nmunmap s1 8G"
    story = ptlab.story(text, "pt_reclaim", grain="range", levels=levels)
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 880, "height": 700})
    page.goto(story.export_html(tmp_path / "many.html").as_uri())
    page.locator(".ptlab[data-position]").wait_for()
    (pane,) = story.payload()["panes"]
    changed: dict[int, set[str]] = {}
    for name, node in pane["nodes"].items():
        for record in [*node["track"], *pane["entries"].get(name, [])]:
            if node["fold"] is None and record["step"]:
                changed.setdefault(record["step"], set()).add(name)
    many = [step for step, names in changed.items() if len(names) > 2]
    assert len(many) > 20 and max(map(len, changed.values())) >= 20
    folds = 0
    for step in sorted(many)[::3]:
        seen = page.evaluate(MARKED, step)
        own = {node["id"] for node in seen["nodes"]}
        lone = changed[step] - own
        in_folds = [int(n["said"].split()[0]) for n in seen["nodes"] if "in this step" in n["said"]]
        assert sum(in_folds) >= len(lone), f"step {step} hides some of {sorted(lone)}"
        folds += bool(in_folds)
        for node in seen["nodes"]:
            assert node["inside"] or node["name"] in seen["more"], f"step {step}: {node}"
    assert folds > 5


def test_an_address_is_walked_as_ptlab_walk_does_it(page: Any, tmp_path: Path) -> None:
    process = ptlab.Process("pt_reclaim")
    heap = process.mmap(8 * ptlab.MiB, at=1 << 44)
    process.touch(heap, 8 * ptlab.KiB)
    process.touch(heap + 2 * ptlab.MiB, 4 * ptlab.KiB, write=False)
    process.madvise(heap + 4 * ptlab.MiB, "HUGEPAGE", 2 * ptlab.MiB)
    process.touch(heap + 4 * ptlab.MiB, 1)
    process.mprotect(heap, "none", 4 * ptlab.KiB)
    page.goto(ptlab.Story(process).export_html(tmp_path / "walk.html").as_uri())
    page.locator(".ptlab[data-position]").wait_for()
    page.keyboard.press("End")
    box = page.get_by_label("Address to walk to")
    for offset in (0, 0x1234, 2 << 20, (4 << 20) + 0x12345, 6 << 20, 1 << 40):
        box.fill(hex(heap + offset))
        box.press("Enter")
        found = ptlab.walk(process, heap + offset)
        assert page.locator(".ptlab-outcome").inner_text() == found.outcome
        lit = page.locator("g.node.is-lit").evaluate_all("(all) => all.map((g) => g.dataset.node)")
        assert sorted(lit) == sorted(f"n{read.table}" for read in found.reads)
    box.fill("nowhere")
    box.press("Enter")
    assert "type a number or a mapping" in page.locator(".ptlab-outcome").inner_text()


def test_five_levels_and_a_fork(outside: Any) -> None:
    text = "mmap s0 4M\ntouch w s0 8K\ntouch w s0+2M 4K\nfork 1\ntouch w s0 4K\nmunmap s0 4M"
    for levels in (4, 5):
        story = ptlab.story(text, "pte_refcount", levels=levels)
        assert outside(story.payload(), "story") == []


def test_page_caches_are_in_view_and_the_walk_points_at_its_page(outside: Any, page: Any) -> None:
    text = "file f 4M memfd\nmmap s0 4M file:f\ntouch w s0 8K\ntouch r s0+2M 4K"
    story, compared = ptlab.story(text), ptlab.compare(text, "unmap_only", "pte_refcount")
    assert outside(compared.payload(), "comparison") == []
    assert outside(story.payload(), "story") == []
    page.get_by_role("slider", name="Position in the story").fill(str(len(story.steps)))
    box = page.locator(".ptlab-caches li")
    assert "memfd file 0: 3 of 1024 pages cached, mapped: 3" in box.inner_text()
    where = page.get_by_label("Address to walk to")
    places = []
    for offset in ("0", "2M", "1M"):
        where.fill(f"s0+{offset}")
        where.press("Enter")
        places.append(box.locator(".mark").get_attribute("d"))
    assert places[0].startswith("M0.48") and places[1].startswith("M500.48") and places[2] == ""


def test_a_page_beyond_the_end_of_its_file_has_a_place_in_the_strip(
    page: Any, tmp_path: Path
) -> None:
    race = ptlab.race("fault-truncate", schedule="AAABBB")  # the file has its new size
    page.goto(race.export_html(tmp_path / "race.html").as_uri())
    shapes = page.locator(".ptlab-caches path")
    shapes.first.wait_for(state="attached")
    drawn = [shape.get_attribute("d") for shape in shapes.all()]
    assert any(drawn) and not any("NaN" in (d or "") for d in drawn)


def test_a_table_that_two_processes_share_hangs_from_both(stage: Any, page: Any) -> None:
    story = ptlab.story(
        "hugepages 2M 4\nfile f 1G hugetlb2M\nmmap s0 1G file:f noreserve\ntouch w s0 4K\n"
        "fork 2\ntouch r s0 4K\nmunmap s0 1G"
    )
    at = {step.fn: number for number, step in enumerate(story.steps, 1) if step.kind == "share"}
    stage(story.payload(), STEPPER)
    slider = page.get_by_role("slider", name="Position in the story")
    line, word = page.locator(".edge.is-shared"), page.locator(".ptlab-word")
    slider.fill(str(at["huge_pmd_share"]))
    expect(line).to_have_class("edge is-shared is-lit")
    expect(line).to_have_attribute("d", re.compile("^M"))
    expect(page.locator("[data-node=n2]")).to_contain_text("1 entry, shared")
    expect(word).to_contain_text("shared with child 1")
    page.locator("[data-node=n4]").click()
    expect(word).to_contain_text("PMD page 2, shared with parent")
    slider.fill(str(at["huge_pmd_unshare"]))
    expect(line).to_have_attribute("d", "")


# The steps at which the table whose entries are shown is not in the box of the tree.
IN_SIGHT = """async (last) => {
  const slider = document.querySelector(".ptlab-time input"), found = [];
  for (let position = last; position > 0; position -= 5) {
    slider.value = position;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    for (let k = 0; k < 2; k++) await new Promise(requestAnimationFrame);
    const tree = document.querySelector(".ptlab-tree").getBoundingClientRect();
    const box = document.querySelector("[data-picked] .frame").getBoundingClientRect();
    if (box.left < tree.left || box.right > tree.right) found.push(position);
  }
  return found;
}"""


def test_the_table_of_a_step_is_in_view_on_a_telephone(page: Any, tmp_path: Path) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 360, "height": 740})
    story = ptlab.story("heap-and-stack", "pte_refcount")
    page.goto(story.export_html(tmp_path / "small.html").as_uri())
    page.locator(".ptlab[data-position]").wait_for()
    assert page.evaluate(IN_SIGHT, len(story.steps)) == []
