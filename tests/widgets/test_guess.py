"""A question: nothing is computed before it is asked, and what is computed fits the question."""

import base64
import html
import json
import re
from pathlib import Path

import numpy as np
import pytest

from ptlab.widgets import guess as module
from ptlab.widgets.guess import Guess, open_all


def state_of(page):
    """What a page knows: the JSON in its script."""
    packed = re.search(r'id="state">([^<]*)<', html.unescape(page))[1]
    return json.loads(base64.b64decode(packed))


def test_the_engine_answers_when_it_is_asked_and_not_before():
    calls = []
    asked = Guess("How many?", lambda: calls.append(1) or len(calls), unit="kB")
    assert not calls and not asked.answers and "1" not in repr(asked)
    asked.wanted = True
    asked.wanted = False
    asked.wanted = True
    assert asked.answers == {"": 1} and len(calls) == 1


@pytest.mark.parametrize(
    ("answer", "options", "shown"),
    [
        (np.int64(7), {}, {"": 7}),
        (0.5, {}, {"": 0.5}),
        ("a visitor", {"word": True}, {"": "a visitor"}),
        (True, {"choices": ["yes", "no"]}, {"": "yes"}),
        ([1, 2], {"rows": ["a", "b"]}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"rows": ["a", "b"]}, {"a": 1, "b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"rows": ["a"], "columns": ["x", "y"]}, {"a: x": 1, "a: y": 2}),
    ],
)
def test_answers_of_all_shapes(answer, options, shown):
    asked = Guess("?", lambda: answer, **options)
    asked.show_me()
    assert asked.answers == shown and asked.stage == "shown" and not asked.problem


@pytest.mark.parametrize(
    ("answer", "options", "problem"),
    [
        (lambda: undefined, {}, "NameError: name 'undefined' is not defined"),  # noqa: F821
        (lambda: "many", {}, "the answer is 'many', which is no number"),
        (lambda: None, {}, "the answer is None, which is no number"),
        (lambda: 3, {"word": True}, "the answer is 3, which is no word"),
        (lambda: "never", {"choices": ["now"]}, "'never', not one of ['now']"),
        (lambda: [1], {"rows": ["a", "b"]}, "ValueError"),
        (lambda: {"b": 1}, {"rows": ["a"]}, "answers for ['b'], not for ['a']"),
    ],
)
def test_an_answer_that_does_not_fit_is_a_problem_and_no_answer(answer, options, problem):
    asked = Guess("?", answer, **options)
    asked.show_me()
    assert problem in asked.problem
    assert not asked.answers and asked.stage == "asking" and not asked.wanted


class Pictured:
    def _repr_html_(self):
        return "<b>a picture</b>"


def test_what_led_to_the_answer_and_the_explanation_come_with_it():
    asked = Guess("?", lambda: 1, more=lambda: "step < step", why="<p>Because.</p>")
    assert not asked.details and not asked.why
    asked.show_me()
    assert asked.details == "<pre>step &lt; step</pre>" and asked.why == "<p>Because.</p>"
    plain, pictured = Guess("?", lambda: 1), Guess("?", lambda: 1, more=lambda: ["x", Pictured()])
    plain.show_me()
    pictured.show_me()
    assert plain.details == plain.why == "" and pictured.details == "<pre>x</pre><b>a picture</b>"
    failed = Guess("?", lambda: 1, more=lambda: 1 / 0)
    failed.show_me()
    assert not failed.answers and "ZeroDivisionError" in failed.problem


def test_a_picture_needs_its_choices():
    assert Guess("?", lambda: "a", choices=["a"], picture="<i data-choice='0'></i>").picture
    for form in ({}, {"choices": ["a"], "rows": ["x"]}):
        with pytest.raises(ValueError, match="a picture belongs to one field with choices"):
            Guess("?", lambda: "a", picture="<i></i>", **form)


def test_columns_need_rows():
    with pytest.raises(ValueError, match=r"the columns \['x'\] need rows"):
        Guess("?", lambda: 1, columns=["x"])


def test_a_page_has_answers_only_where_nobody_can_be_asked(monkeypatch):
    monkeypatch.setattr(module, "runs_widgets", lambda: True)
    asked = Guess("How many?", lambda: 4711, why="Because.")
    asked.given = {"": "5"}
    saved = state_of(asked._page())
    assert saved["answers"] == {} and saved["why"] == ""
    monkeypatch.setattr(module, "runs_widgets", lambda: False)
    page = asked._page()
    assert state_of(page)["answers"] == {"": 4711} and state_of(page)["given"] == {"": "5"}
    assert "4711" not in page and "Because" not in page
    assert state_of(page)["why"] == "Because."


def test_a_teacher_opens_all(monkeypatch):
    monkeypatch.setattr(Guess, "_open", False)
    before = Guess("?", lambda: 1)
    open_all()
    assert before.stage == "shown" and Guess("?", lambda: 2).answers == {"": 2}


def test_the_view_sets_one_trait_at_a_time():
    """anywidget's front-end modules may rely on no other form: in marimo `set({...})` does nothing."""
    source = Path(module.__file__).with_name("src") / "guess.mjs"
    assert "model.set(" in source.read_text() and "model.set({" not in source.read_text()
