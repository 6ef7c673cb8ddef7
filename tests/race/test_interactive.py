"""Be the scheduler: the race that a learner steers, and the Python half of its widget."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ptlab
from ptlab import Race
from ptlab.paths.access import touch
from ptlab.process.process import Process
from ptlab.race.explore import explore
from ptlab.race.interactive import MOST_KEPT
from ptlab.race.moments import Moments
from ptlab.race.scenes import SCENES, Scene
from ptlab.widgets import RaceScheduler
from ptlab.widgets.packing import packed, without_stills

BREAKS = "AAABBBBBBBBBAA"
"""The fault looks up its table, DONTNEED frees it, the fault writes: scene pmd-same, broken."""


def said(segment: Any) -> str:
    return f"{segment['fn']}: {segment['text']}" if segment["fn"] else str(segment["text"])


def columns(race: Race) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = race.payload()["moments"][race.position]["tasks"]
    return tasks


def test_a_learner_breaks_the_missing_recheck_by_hand() -> None:
    race = ptlab.race("pmd-same")
    assert [(task["letter"], task["doing"]) for task in race.payload()["tasks"]] == [
        ("A", "write page 1"),
        ("B", "DONTNEED the table"),
    ]
    for letter in BREAKS:
        assert race.verdict is None and letter in race.enabled
        race.run(letter)
    assert race.verdict is not None and race.enabled == ""
    assert race.verdict.sentence.startswith("task A writes into PTE page 4, unhooked")
    with pytest.raises(ValueError, match="nobody can"):
        race.run("A")
    assert race.schedule == BREAKS


def test_the_same_schedule_breaks_nothing_where_the_recheck_is() -> None:
    race = ptlab.race("pmd-same", "fixed", schedule=BREAKS)
    assert race.verdict is None and race.enabled


def test_what_the_columns_say_comes_true() -> None:
    race = ptlab.race("pmd-same")
    for letter in BREAKS:
        before = columns(race)[ord(letter) - ord("A")]
        race.run(letter)
        assert columns(race)[ord(letter) - ord("A")]["did"] == before["next"]
        assert said(race.payload()["story"]["panes"][0]["segments"][-1]) == before["next"]


def test_back_and_on_differently_keeps_the_line_that_is_left() -> None:
    race = ptlab.race("pmd-same", schedule="AAABBB")
    race.back()
    race.run("B")  # the same again is no fork
    assert (race.schedule, race.kept) == ("AAABBB", [])
    race.seek(3)
    race.run("A")
    assert (race.schedule, race.position, race.kept) == ("AAAA", 4, ["AAABBB"])
    race.play("AAABBBB")  # goes on from the end of the one that was kept
    assert race.kept == ["AAAA"]
    race.seek(0)
    race.back()
    assert race.position == 0 and race.enabled == "AB" and race.schedule == "AAABBBB"


def test_only_the_latest_lines_are_kept() -> None:
    race = ptlab.race("install")
    for number in range(MOST_KEPT + 3):
        race.play("A" * number + "B")
    assert len(race.kept) == MOST_KEPT and race.kept[0] == "A" * (MOST_KEPT + 1) + "B"


def test_a_schedule_may_be_pasted_and_ends_at_its_verdict() -> None:
    race = ptlab.race("pmd-same", schedule="  aaab bbbb\nbbbb aa bbbb ")
    assert race.schedule == BREAKS


def test_what_cannot_run_changes_nothing() -> None:
    race = ptlab.race("pmd-same", schedule="AAA")
    for wrong, said in [("AAX", "'X' is not a task, only A or B can"), ("R", "'R' cannot run")]:
        with pytest.raises(ValueError, match=said):
            race.play(wrong)
    with pytest.raises(ValueError, match="position 4: this line has 0 to 3"):
        race.seek(4)
    assert (race.schedule, race.position, race.kept) == ("AAA", 3, [])


def test_a_blocked_task_says_why_and_who_holds_what() -> None:
    writer, unmapper = columns(ptlab.race("exclusive", "fixed", schedule="AAAB"))
    assert unmapper["blocked"] == "waits for mmap_lock (write), which task A holds"
    assert unmapper["next"] == "" and writer["holds"][0] == "mmap_lock (read)"
    (visitor, _, _) = columns(ptlab.race("abc", "fixed", schedule="AAAA"))
    assert "a reference to PTE page 4" in visitor["holds"]
    (reader, _) = columns(ptlab.race("stale-tlb", schedule="A"))
    assert reader["holds"] == ["in its TLB: 0x100000000000 is frame 0x100001"]


def test_tables_that_stay_do_not_move() -> None:
    """While one task after the other runs to its end, in any order, one layout serves."""
    race = ptlab.race("dying")

    def places() -> dict[str, tuple[int, int]]:
        (pane,) = race.payload()["story"]["panes"]
        return {name: (node["x"], node["y"]) for name, node in pane["nodes"].items()}

    before = places()
    for order in ("AB", "BA"):
        race.play("")
        while enabled := race.enabled:
            race.run(next((letter for letter in order if letter in enabled), "R"))
            if enabled != race.enabled:
                assert places() == before
        assert race.verdict is None


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_every_scene_can_be_steered_to_its_end(scene: Scene) -> None:
    """Every moment of a schedule is one that the scheduler has been in."""
    race = Race(scene, "fixed")
    while enabled := race.enabled:
        race.run(enabled[-1])
    payload = race.payload()
    assert payload["moments"][-1]["end"] == "done"
    moments, frames = payload["moments"], payload["story"]["frames"]
    assert len(moments) == len(frames) == len(race.schedule) + 1
    steps = payload["story"]["panes"][0]["steps"]
    assert frames == sorted(frames) and frames[-1] == [len(steps) - 1]


def test_the_shortest_failure_of_the_search_opens_in_it() -> None:
    found = explore(SCENES["stale-tlb"])
    assert found.shortest is not None
    race = ptlab.race("stale-tlb", schedule=found.shortest)
    assert race.verdict == found.verdict
    told = str(race).splitlines()
    assert told[0].startswith("stale-tlb, broken: pages are freed before the TLB is flushed")
    assert " ".join(told).endswith(f"A rule is broken: {found.verdict.sentence}")


def test_a_scheme_of_ones_own_runs_with_every_guard() -> None:
    class Mine(ptlab.SCHEMES["pt_reclaim"]):  # type: ignore[name-defined,misc]
        name = "mine"

    race = ptlab.race("pmd-same", scheme=Mine, schedule=BREAKS[:-1])
    assert race.verdict is None
    assert race.payload()["variant"] == "under mine, with every precaution in place"
    with pytest.raises(ValueError, match="scene gup-ipi is about one design"):
        ptlab.race("gup-ipi", scheme=Mine)


def test_a_wrong_name_is_told_with_the_right_ones() -> None:
    with pytest.raises(ValueError, match="abc"):
        ptlab.race("abd")
    with pytest.raises(ValueError, match="'broken' or 'fixed'"):
        ptlab.race("abc", "mended")


def test_the_line_is_exported_as_a_page(tmp_path: Path) -> None:
    race = ptlab.race("pmd-same", schedule=BREAKS)
    race.seek(2)
    text = race.export_html(tmp_path / "race.html").read_text(encoding="utf-8")
    told = "pmd-same (broken) under pt_reclaim: task A writes into PTE page 4, unhooked 4 steps ago"
    assert f"<title>{told}</title>" in text
    (data,) = re.findall(r'id="payload">(.*?)</script>', text)
    assert data == packed(without_stills(race.page() | {"position": len(BREAKS)}))
    assert race.position == 2, "where the learner was is left alone"


def test_the_widget_runs_what_the_browser_asks_for() -> None:
    race = ptlab.race("pmd-same")
    widget = RaceScheduler(race)
    for position, letter in enumerate("AAAB"):
        widget._handle_custom_msg({"run": letter, "from": position}, [])
    assert (race.schedule, widget.race["schedule"], widget.race["position"]) == ("AAAB", "AAAB", 4)
    turn = widget.race["turn"]
    widget._handle_custom_msg({"seek": 2, "turn": turn}, [])
    widget._handle_custom_msg({"seek": 3, "turn": turn - 1}, [])  # came late
    assert race.position == 2
    widget._handle_custom_msg({"run": "B", "from": 1}, [])
    assert race.schedule == "AB" and [left["schedule"] for left in widget.race["kept"]] == ["AAAB"]
    turn = widget.race["turn"]
    widget._handle_custom_msg({"play": "AC"}, [])
    assert widget.race["refused"] == "schedule 'AC': 'C' is not a task, only A or B can"
    assert widget.race["turn"] == turn + 1 and race.schedule == "AB"
    race.run("A")  # in another cell
    assert (widget.race["schedule"], widget.race["position"], widget.race["refused"]) == (
        "ABA",
        3,
        "",
    )
    race.back()
    assert widget.race["position"] == 2


def test_a_notebook_shows_one_widget_and_a_picture_for_static_viewers() -> None:
    race = ptlab.race("pmd-same")
    (first, _), (second, _) = race._repr_mimebundle_(), race._repr_mimebundle_()
    view = "application/vnd.jupyter.widget-view+json"
    assert first[view]["model_id"] == second[view]["model_id"]
    assert "<iframe" in first["text/html"] and "<img alt=" in first["text/html"]
    assert "Race 'pmd-same', broken, schedule ''" in first["text/plain"]


def test_many_tasks_are_laid_out_for_each_task_first_and_not_for_every_order() -> None:
    def six(process: Process) -> dict[str, Any]:
        heap = process.mmap(2 << 20, at=1 << 44)
        return {f"write page {k}": touch(process.mm, True, heap + 4096 * k, 1) for k in range(6)}

    scene = replace(SCENES["abc"], name="six", prepare=six)
    moments = Moments(scene, scene.variant("fixed"))
    assert len(list(moments._rooms())) == 6
    assert len(moments.play("AB")[0][0]["tasks"]) == 6


def test_a_race_that_counts_references_is_plain_data():
    race = ptlab.race("abc", "fixed")
    race.run("AAAAAA")
    json.dumps(race.payload())
