"""The stepper in a real browser shows what the engine says, in a notebook and as a page."""

from pathlib import Path
from typing import Any

import pytest

import ptlab
from ptlab.widgets import export_html
from ptlab.widgets.packing import packed, without_stills

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

pytestmark = pytest.mark.browser

SCENARIO = "mmap s0 2M\ntouch w s0 8K\nmadvise DONTNEED s0 2M"


@pytest.fixture(scope="module")
def payload() -> dict[str, Any]:
    return ptlab.story(SCENARIO, scheme="pte_refcount").payload()


@pytest.fixture
def stepper(lab: Any, page: Any) -> Any:
    """The stepper of SCENARIO in JupyterLab, at position 3."""
    lab.write(
        "stepper.ipynb",
        "import ptlab\nfrom ptlab.widgets import Stepper\n"
        f"stepper = Stepper(ptlab.story({SCENARIO!r}, scheme='pte_refcount').payload())\nstepper",
        "stepper.seek(3)",
    )
    lab.open_notebook("stepper.ipynb")
    lab.run_all()
    stepper = page.locator(".ptlab")
    stepper.wait_for()
    return stepper


def record_at(track: list[dict[str, Any]], step: int) -> dict[str, Any] | None:
    """The record of a payload's track that is in force at a step."""
    return next((record for record in reversed(track) if record["step"] <= step), None)


def assert_shows(stepper: Any, payload: dict[str, Any], position: int, p: int = 0) -> None:
    """Everything that pane `p` says at this position is what the payload says."""
    pane = payload["panes"][p]
    step = payload["frames"][position][p]
    assert stepper.get_attribute("data-position") == str(position)
    shown = stepper.evaluate(
        """(root, p) => {
          const nth = (selector) => root.querySelectorAll(selector)[p];
          return {
            heading: nth("h3").textContent,
            sentence: nth(".ptlab-sentence[aria-live]").textContent,
            locks: [...nth(".ptlab-locks[aria-label]").querySelectorAll("li:not(.none)")]
              .map((lock) => lock.textContent),
            counters: Object.fromEntries([...nth(".ptlab-counters").children].map((cell) =>
              [cell.querySelector("dt").textContent,
                cell.querySelector("dd span").textContent.replace(/[\\u25b4\\u25be]/, "").trim()])),
            tables: Object.fromEntries(
              [...nth(".ptlab-tree").querySelectorAll("g.node:not(.is-absent)")].map(
                (g) => [g.dataset.node, [/is-(\\w+)/.exec(g.getAttribute("class"))[1],
                  g.querySelector(".line").textContent, g.getAttribute("aria-label")]])),
          };
        }""",
        p,
    )
    tables = {
        name: [
            record["state"],
            record["line"],
            f"{node['title']}, {record['state']}: {record['line']}",
        ]
        for name, node in pane["nodes"].items()
        if (record := record_at(node["track"], step)) and record["state"] != "absent"
    }
    (process,) = pane["processes"]
    counters = {
        counter[
            "name"
        ]: f"{(record_at(counter['track'], step) or {'value': 0})['value']} {counter['unit']}".strip()
        for counter in [*process["counters"], *process["timeline"]]
    }
    done, held = pane["steps"][step], record_at(pane["locks"], step) or {"held": []}
    sentence = f"{done['fn']}: {done['text']}" if done["fn"] else done["text"]
    assert shown == {
        "heading": pane["heading"],
        "sentence": sentence,
        "locks": [lock["text"] for lock in held["held"]],
        "counters": counters,
        "tables": tables,
    }


def boxes(stepper: Any) -> dict[str, Any]:
    """Where every table is drawn, seen or not, and how tall the whole widget is."""
    return stepper.evaluate(
        """(root) => {
          const top = root.getBoundingClientRect().top;
          return Object.fromEntries([["height", root.offsetHeight],
            ...[...root.querySelectorAll("g.node")].map((g) => {
              const box = g.querySelector(".frame").getBoundingClientRect();
              return [g.dataset.node, [box.left, box.top - top, box.width, box.height]];
            })]);
        }"""
    )


def button(stepper: Any, name: str) -> Any:
    return stepper.get_by_role("button", name=name, exact=True)


def test_step_to_the_free_and_back(stepper: Any, payload: dict[str, Any]) -> None:
    last = len(payload["frames"]) - 1
    freed = [
        name
        for name, node in payload["panes"][0]["nodes"].items()
        if any(record["state"] == "freed" for record in node["track"])
    ]
    assert freed, "the scenario frees a PTE page"
    assert_shows(stepper, payload, 3)  # where Python put it
    button(stepper, "First").click()
    start = boxes(stepper)
    for position in range(last):
        assert_shows(stepper, payload, position)
        button(stepper, "Step").click()
    assert_shows(stepper, payload, last)
    for name in freed:
        assert "is-freed" in stepper.locator(f"[data-node={name}]").get_attribute("class")
    assert boxes(stepper) == start
    for position in reversed(range(last)):
        button(stepper, "Back").press("Enter")
        assert_shows(stepper, payload, position)
    assert boxes(stepper) == start


def test_keys_and_entries(stepper: Any, payload: dict[str, Any], page: Any) -> None:
    pane, last = payload["panes"][0], len(payload["frames"]) - 1
    events = [k for k, (step,) in enumerate(payload["frames"]) if pane["steps"][step]["event"]]
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    button(stepper, "Step").focus()
    for key, position in [
        ("ArrowRight", 4),
        ("ArrowRight", 5),
        ("ArrowLeft", 4),
        ("End", last),
        ("ArrowRight", last),
        ("Home", 0),
        ("n", events[0]),
        ("n", events[1]),
    ]:
        page.keyboard.press(key)
        assert_shows(stepper, payload, position)
    stepper.locator(".ptlab-tree").focus()  # on a button, space is the button's own key
    page.keyboard.press(" ")
    for position in (events[1] + 1, events[1] + 2):
        page.locator(f".ptlab[data-position='{position}']").wait_for()
    page.keyboard.press(" ")
    assert_shows(stepper, payload, int(stepper.get_attribute("data-position")))
    assert button(stepper, "Play").is_visible(), "space pauses what space began to play"

    # JupyterLab's own keys (b: new cell below) do not reach the notebook from inside the stepper.
    page.keyboard.press("b")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells

    name, change = next(
        (name, changes[0])
        for name, changes in pane["entries"].items()
        if pane["nodes"][name]["level"] == "PTE" and changes
    )
    step, entry, word, kind = (change[key] for key in ("step", "first", "word", "kind"))
    position = next(k for k, frame in enumerate(payload["frames"]) if frame[0] >= step)
    stepper.get_by_role("slider", name="Position in the story").fill(str(position))
    stepper.locator(f"[data-node={name}]").focus()
    page.keyboard.press("Enter")
    grid = stepper.locator(".ptlab-grid")
    assert grid.get_attribute("aria-valuenow") == str(entry)
    facts = stepper.locator(".ptlab-word").inner_text()
    assert f"0x{int(word, 16):016x}" in facts and f"{kind}:" in facts
    button(stepper, "follow").click()
    grid.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert grid.get_attribute("aria-valuenow") == str(entry + 33)
    assert_shows(stepper, payload, position)


def test_what_the_learner_does_reaches_a_slow_python(lab: Any, page: Any, payload: Any) -> None:
    """Its late answers undo nothing. A label that Python links to the stepper shows what it holds."""
    lab.write(
        "slow.ipynb",
        "import time, ipywidgets, ptlab\nfrom ptlab.widgets import Stepper\n"
        f"stepper = Stepper(ptlab.story({SCENARIO!r}, scheme='pte_refcount').payload())\n"
        "stepper.observe(lambda change: time.sleep(0.4))\nstepper",
        "label = ipywidgets.Label()\nipywidgets.dlink((stepper, 'position'), (label, 'value'),"
        " 'Python is at {}.'.format)\nlabel",
    )
    lab.open_notebook("slow.ipynb")
    lab.run_all()
    stepper = page.locator(".ptlab")
    step = button(stepper, "Step")
    label = page.locator(".widget-label")
    for position in range(1, 11):
        step.click()
        page.wait_for_timeout(100)  # a hand's pace: several of them wait for one answer
        assert_shows(stepper, payload, position)
    button(stepper, "Back").click()
    playwright.expect(label).to_have_text("Python is at 9.")
    page.wait_for_timeout(1000)  # no answer that is still on its way brings 10 back
    playwright.expect(label).to_have_text("Python is at 9.")
    assert_shows(stepper, payload, 9)


def test_down_enters_the_tree(stepper: Any, page: Any) -> None:
    """From the frame and from a button; the source keeps the key for itself."""
    focused = "document.activeElement.dataset.node"
    button(stepper, "Last").click()
    for start in (stepper, button(stepper, "Step")):
        start.focus()
        page.keyboard.press("ArrowDown")
        assert page.evaluate(focused) == "n0"
        page.keyboard.press("ArrowDown")
        assert page.evaluate(focused) == "n1"
        page.keyboard.press("ArrowUp")
    stepper.get_by_role("tab", name="Code").click()
    source = stepper.locator(".ptlab-source")
    source.focus()
    page.keyboard.press("ArrowDown")
    broken = source.evaluate("(pre) => getComputedStyle(pre).wordBreak")
    assert broken == "normal", "JupyterLab breaks a line of code inside a word"
    assert page.evaluate(focused) is None, "the source scrolls"


def test_nothing_for_axe_to_find(stepper: Any, lab: Any, page: Any) -> None:
    button(stepper, "Last").click()
    stepper.locator("g.node:not(.is-absent)").last.click()
    for theme in ("light", "dark"):
        lab.use_theme(theme)
        found = axe.Axe().run(page, context=".jp-OutputArea-output")
        assert found.response["violations"] == []


def test_many_stories_of_one_design_do_not_disturb_axe(lab: Any, page: Any) -> None:
    story = f"ptlab.story({SCENARIO!r}, scheme='pte_refcount')"
    lab.write("stories.ipynb", f"import ptlab\n{story}", story)
    lab.open_notebook("stories.ipynb")
    lab.run_all()
    playwright.expect(page.locator(".ptlab")).to_have_count(2)
    found = axe.Axe().run(page, context=".jp-OutputArea-output")
    assert found.response["violations"] == []


def test_exported_page_plays_from_a_file(
    page: Any, payload: dict[str, Any], tmp_path: Path
) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    path = export_html(payload, tmp_path / "story.html")
    page.goto(path.as_uri())
    stepper = page.locator(".ptlab")
    for position in range(len(payload["frames"])):
        assert_shows(stepper, payload, position)
        button(stepper, "Step").press("ArrowRight")
    assert requests == [path.as_uri()]
    assert axe.Axe().run(page).response["violations"] == []


def test_the_keys_of_an_exported_page_work_at_once_but_not_in_a_frame(
    page: Any, payload: dict[str, Any], tmp_path: Path
) -> None:
    path = export_html(payload, tmp_path / "story.html")
    page.goto(path.as_uri())
    page.locator(".ptlab[data-position]").wait_for()  # the payload is packed; nobody has clicked
    page.keyboard.press("ArrowRight")
    assert_shows(page.locator(".ptlab"), payload, 1)
    outer = tmp_path / "outer.html"
    outer.write_text("<input autofocus><iframe src=story.html></iframe>")
    page.goto(outer.as_uri())
    page.frame_locator("iframe").locator(".ptlab").wait_for()
    assert page.evaluate("document.activeElement.localName") == "input"


def test_in_a_narrow_notebook_nothing_that_stays_moves(page: Any, tmp_path: Path) -> None:
    """In the 714 pixels of a cell in a window of 900, and on a telephone."""
    text = "mmap s0 8M\ntouch w s0 8M 2M"
    path = ptlab.story(text).export_html(tmp_path / "four.html")
    for width in (714 + 32, 360):  # 32: the page's own margins
        page.set_viewport_size({"width": width, "height": 950})
        page.goto(path.as_uri())
        stepper = page.locator(".ptlab")
        start = boxes(stepper)
        for _ in range(5):
            button(stepper, "Next table event").click()
            now = boxes(stepper)
            assert now["height"] == start["height"]
            assert width == 360 or now == start
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_page_keys_go_from_operation_to_operation(page: Any, tmp_path: Path) -> None:
    process = ptlab.Process(kernel="6.18", grain="table")
    area = process.mmap(4 * ptlab.MiB)
    process.touch(area)
    process.madvise(area, "GUARD_INSTALL", 4096)
    page.goto(ptlab.Story(process).export_html(tmp_path / "operations.html").as_uri())
    page.locator(".ptlab[data-position]").wait_for()
    shown = page.locator(".ptlab-op")
    for key, number in [("PageDown", 0), ("PageDown", 1), ("PageDown", 2), ("PageUp", 1)]:
        page.keyboard.press(key)
        assert shown.inner_text() == process.journal.operations[number].text


def test_two_stories_go_in_step(page: Any, tmp_path: Path) -> None:
    comparison = ptlab.compare(SCENARIO, "unmap_only", "pte_refcount")
    payload = comparison.payload()
    page.goto(comparison.export_html(tmp_path / "two.html").as_uri())
    stepper = page.locator(".ptlab[data-position]")
    stepper.wait_for()
    tops = stepper.locator(".ptlab-tree").evaluate_all(
        "(trees) => trees.map((tree) => tree.getBoundingClientRect().top)"
    )
    assert len(set(tops)) == 1, "the trees stand side by side"
    for position in range(len(payload["frames"])):
        for p in range(2):
            assert_shows(stepper, payload, position, p)
        button(stepper, "Step").press("ArrowRight")


def test_a_payload_that_cannot_be_played_is_refused_in_words(
    page: Any, payload: dict[str, Any], tmp_path: Path
) -> None:
    page.goto(export_html(payload | {"frames": [[999_999]]}, tmp_path / "bad.html").as_uri())
    message = page.get_by_role("alert").inner_text()
    assert message.startswith("This story cannot be shown: payload.frames[0] shows step 999999")


def test_a_page_refuses_a_payload_of_another_version(
    page: Any, payload: dict[str, Any], tmp_path: Path
) -> None:
    shown = export_html(payload, tmp_path / "old.html")
    text, now = shown.read_text(encoding="utf-8"), packed(without_stills(payload))
    assert text.count(now) == 1
    old = packed(without_stills(payload | {"schema": 1}))
    shown.write_text(text.replace(now, old), encoding="utf-8")
    page.goto(shown.as_uri())
    message = page.get_by_role("alert").inner_text()
    assert message.startswith("This story cannot be shown: its payload has schema 1, and")
    assert message.endswith("Run the cell again with the ptlab that is installed.")
