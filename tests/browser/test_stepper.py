"""The stepper in a real browser shows what the engine says, in a notebook and as a page."""

from pathlib import Path
from typing import Any

import pytest

import ptlab
from ptlab.widgets import export_html

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

pytestmark = pytest.mark.browser

SCENARIO = "mmap s0 2M\ntouch w s0 8K\nmadvise DONTNEED s0 2M"


@pytest.fixture(scope="module")
def payload() -> dict[str, Any]:
    return ptlab.story(SCENARIO, scheme="pte_refcount").payload()


@pytest.fixture
def stepper(lab: Any, page: Any) -> Any:
    """The stepper of SCENARIO in JupyterLab, at its first position."""
    lab.write("stepper.ipynb", f"import ptlab\nptlab.story({SCENARIO!r}, scheme='pte_refcount')")
    lab.open_notebook("stepper.ipynb")
    lab.run_all()
    stepper = page.locator(".ptlab")
    stepper.wait_for()
    return stepper


def record_at(track: list[list[Any]], step: int) -> list[Any] | None:
    """The record of a payload's track that is in force at a step."""
    return next((record for record in reversed(track) if record[0] <= step), None)


def assert_shows(stepper: Any, payload: dict[str, Any], position: int) -> None:
    """Everything that the pane says at this position is what the payload says."""
    pane = payload["panes"][0]
    step = payload["frames"][position][0]
    shown = stepper.evaluate(
        """(root) => ({
          position: root.dataset.position,
          sentence: root.querySelector(".ptlab-sentence[aria-live]").textContent,
          locks: [...root.querySelectorAll(".ptlab-locks[aria-label] li:not(.none)")]
            .map((lock) => lock.textContent),
          counters: [...root.querySelectorAll(".ptlab-counters td")]
            .map((cell) => cell.textContent.split("\\u2192").at(-1).trim()),
          tables: Object.fromEntries([...root.querySelectorAll("g.node:not(.is-absent)")].map(
            (g) => [g.dataset.node, [/is-(\\w+)/.exec(g.getAttribute("class"))[1],
              g.querySelector(".line").textContent, g.getAttribute("aria-label")]])),
        })"""
    )
    tables = {
        name: [record[1], record[2], record[4]]
        for name, node in pane["nodes"].items()
        if (record := record_at(node["track"], step)) and record[1] != "absent"
    }
    counters = [
        f"{(record_at(counter['track'], step) or [0, 0])[1]} {counter['unit']}".strip()
        for counter in pane["counters"]
    ]
    assert shown == {
        "position": str(position),
        "sentence": pane["steps"][step]["text"],
        "locks": (record_at(pane["locks"], step) or [0, []])[1],
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


def test_step_to_the_free_and_back(stepper: Any, payload: dict[str, Any], page: Any) -> None:
    last = len(payload["frames"]) - 1
    freed = [
        name
        for name, node in payload["panes"][0]["nodes"].items()
        if any(record[1] == "freed" for record in node["track"])
    ]
    assert freed, "the scenario frees a PTE page"
    start = boxes(stepper)
    for position in range(last):
        assert_shows(stepper, payload, position)
        stepper.get_by_role("button", name="Step", exact=True).click()
    assert_shows(stepper, payload, last)
    for name in freed:
        assert "is-freed" in stepper.locator(f"[data-node={name}]").get_attribute("class")
    assert boxes(stepper) == start
    for position in reversed(range(last)):
        stepper.get_by_role("button", name="Back", exact=True).click()
        assert_shows(stepper, payload, position)
    assert boxes(stepper) == start


def test_keys_belong_to_the_stepper(stepper: Any, payload: dict[str, Any], page: Any) -> None:
    steps, last = payload["panes"][0]["steps"], len(payload["frames"]) - 1
    event = next(k for k, frame in enumerate(payload["frames"]) if steps[frame[0]]["event"])
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    stepper.get_by_role("button", name="Step", exact=True).focus()
    for key, position in [
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", last),
        ("ArrowRight", last),
        ("Home", 0),
        ("n", event),
    ]:
        page.keyboard.press(key)
        assert_shows(stepper, payload, position)
    # JupyterLab's own keys (b: new cell below) do not reach the notebook from inside the stepper.
    page.keyboard.press("b")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_entries_of_a_table(stepper: Any, payload: dict[str, Any], page: Any) -> None:
    pane = payload["panes"][0]
    name, deltas = next(
        (name, deltas)
        for name, deltas in pane["words"].items()
        if pane["nodes"][name]["level"] == "PTE" and deltas
    )
    step, entry, _, word, _, kind = deltas[0]
    position = next(k for k, frame in enumerate(payload["frames"]) if frame[0] >= step)
    stepper.get_by_role("slider", name="Position in the story").fill(str(position))
    stepper.locator(f"[data-node={name}]").focus()
    page.keyboard.press("Enter")
    grid = stepper.locator(".ptlab-grid")
    assert grid.get_attribute("aria-valuenow") == str(entry)
    facts = stepper.locator(".ptlab-word").inner_text()
    assert f"0x{int(word, 16):016x}" in facts and f"{kind}:" in facts
    grid.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert grid.get_attribute("aria-valuenow") == str(entry + 33)
    assert stepper.get_attribute("data-position") == str(position)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_for_axe_to_find(stepper: Any, lab: Any, page: Any, theme: str) -> None:
    lab.use_theme(theme)
    stepper.get_by_role("button", name="Last", exact=True).click()
    stepper.locator("g.node:not(.is-absent)").last.click()
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
        stepper.get_by_role("button", name="Step", exact=True).press("ArrowRight")
    assert requests == [path.as_uri()]
    assert axe.Axe().run(page).response["violations"] == []


def test_a_payload_that_cannot_be_played_is_told_in_words(
    page: Any, payload: dict[str, Any], tmp_path: Path
) -> None:
    page.goto(export_html(payload | {"frames": [[999_999]]}, tmp_path / "bad.html").as_uri())
    message = page.get_by_role("alert").inner_text()
    assert message.startswith("This story cannot be shown: payload.frames[0] shows step 999999")
