"""The scheduler widget: what it asks of a race, and what it answers."""

import pytest

from ptlab.widgets.scheduler import RaceScheduler


class Runner:
    """A race of two tasks that notes what is asked of it. Task B cannot run."""

    def __init__(self):
        self.listeners, self.asked, self.position = [], [], 0

    def run(self, letters):
        if "B" in letters:
            raise ValueError("'B' cannot run here: only 'A' can")
        self.asked.append(("run", self.position, letters))

    def play(self, line):
        self.asked.append(("play", line))

    def payload(self):
        return {"position": self.position}


@pytest.fixture
def asked():
    runner = Runner()
    widget = RaceScheduler(runner)
    return runner, widget, lambda message: widget._handle_custom_msg(message, [])


def test_a_task_is_run_from_the_moment_that_is_shown(asked):
    runner, _, ask = asked
    ask({"run": "A", "from": 3})
    ask({"play": "AAB"})
    assert runner.asked == [("run", 3, "A"), ("play", "AAB")]


def test_a_refused_request_is_answered_with_the_reason_and_the_next_one_clears_it(asked):
    runner, widget, ask = asked
    turn = widget.race["turn"]
    ask({"run": "B", "from": 0})
    assert widget.race["refused"] == "'B' cannot run here: only 'A' can"
    assert widget.race["turn"] > turn and runner.asked == []
    runner.listeners[0]()
    assert widget.race["refused"] == ""


def test_a_seek_of_an_older_turn_is_ignored(asked):
    runner, widget, ask = asked
    ask({"seek": 5, "turn": widget.race["turn"] - 1})
    assert runner.position == 0
    ask({"seek": 5, "turn": widget.race["turn"]})
    assert runner.position == 5
