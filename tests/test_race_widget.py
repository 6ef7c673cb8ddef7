"""The scheduler widget's Python half: what the columns show, running, going back."""

from __future__ import annotations

import pytest

from ptlab.scenes import SCENES
from ptlab.widgets.scheduler import RaceScheduler, scheduler_esm


def test_a_learner_breaks_the_missing_recheck_by_hand() -> None:
    widget = RaceScheduler(SCENES["pmd-same"])
    assert [task["doing"] for task in widget.state["tasks"]] == [
        "write page 1",
        "DONTNEED the table",
    ]
    for letter in "AAABBBBBBBBBAA":
        widget.run(letter)
    assert widget.state["verdict"].startswith("task A writes into PTE page 4, unhooked")
    assert not any(task["enabled"] for task in widget.state["tasks"])
    with pytest.raises(ValueError, match="nobody can"):
        widget.run("A")


def test_back_and_on_differently() -> None:
    widget = RaceScheduler(SCENES["pmd-same"], schedule="AAABBB")
    widget.keep()
    widget.back()
    assert widget.schedule == "AAABB" and widget.kept == ["AAABBB"]
    widget.schedule = widget.kept[0]
    assert widget.state["tasks"][0]["next"].startswith("pte_offset_map_lock")


def test_a_blocked_task_says_why() -> None:
    widget = RaceScheduler(SCENES["exclusive"], "fixed", "AAAB")
    blocked = widget.state["tasks"][1]
    assert blocked["blocked"] == "waits for mmap_lock (write), which task A holds"
    assert widget.state["tasks"][0]["holds"] == ["mmap_lock (read)"]


def test_the_front_end_is_one_module() -> None:
    assert scheduler_esm().count("export default") == 1 and "\nimport " not in scheduler_esm()
