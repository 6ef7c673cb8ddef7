"""Set 5: what a right scheme gets on many seeds, and what each mistake costs.

The classes run in this process here; that they run in another one is test_sandbox.py's subject.
"""

from contextlib import contextmanager, nullcontext
from random import Random

import pytest

import ptlab.race.scenes
from ptlab.classroom import sandbox, scheme_places, scheme_question, seeds
from ptlab.classroom.sets import scheme
from ptlab.classroom.solutions import scheme_answers
from ptlab.classroom.student_code import code, object_to, runnable


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    @contextmanager
    def here(answer):
        answer = code(answer)
        assert object_to(answer.text) is None
        names = {"__name__": "answer"}
        exec(compile(runnable(answer.text), "a cell", "exec"), names)
        names[answer.name].peeked = set()  # only the judge's end of the sandbox knows
        yield names[answer.name]

    monkeypatch.setattr(scheme_question, "scheme", here)


def points(findings):
    return sum(finding.worth for finding in findings if finding.ok)


QUESTIONS = {question.name: question for question in scheme.QUESTIONS}
MISTAKES = [
    (q.name, idea)
    for q in scheme.QUESTIONS
    for idea in scheme_answers.wrong(q.name)
    if idea != "peeks"  # below
]


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_solution_gets_all_points(name):
    question = QUESTIONS[name]
    problem, *further = (question.pose(Random(seed)) for seed in range(4))
    found = question.grade(problem, question.solve(problem), further)
    assert points(found) == question.points
    assert [finding.ok for finding in found] == [True] * 4


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_solution_is_within_its_limits_on_200_seeds(name, monkeypatch):
    monkeypatch.setattr(scheme_question, "SCENES", ())
    monkeypatch.setattr("ptlab.classroom.scheme_judge.lost", lambda *rest: "")
    question = QUESTIONS[name]
    problem, *further = (question.pose(Random(seed)) for seed in range(200))
    assert len({program.text for program in further}) > 55
    assert points(question.grade(problem, question.solve(problem), further)) == question.points


@pytest.mark.parametrize(("name", "idea"), MISTAKES)
def test_a_mistake_costs_what_it_should(name, idea):
    question = QUESTIONS[name]
    problem, *further = (question.pose(Random(seed)) for seed in range(4))
    wrong = next(wrong for wrong in question.wrong(problem) if wrong.idea == idea)
    found = question.grade(problem, wrong.answer, further)
    assert points(found) <= wrong.keeps < question.points
    missed = [finding for finding in found if not finding.ok]
    assert missed and all(finding.what for finding in missed)


def test_there_are_five_mistakes_for_each_question():
    assert all(len(scheme_answers.wrong(question.name)) >= 5 for question in scheme.QUESTIONS)


def test_a_scheme_that_frees_in_time_only_sometimes_is_told_where():
    question = QUESTIONS["scheme-1"]
    problem, *further = (question.pose(Random(seed)) for seed in range(4))
    whole = next(w for w in question.wrong(problem) if w.idea == "whole-calls-only")
    (found,) = question.grade(problem, whole.answer, further)
    assert (found.ok, found.misconception) == (False, "frees-nothing")


def test_the_races_name_a_schedule_that_can_be_run():
    question = QUESTIONS["scheme-1"]
    problem = question.pose(Random(0))
    no_lock = next(w for w in question.wrong(problem) if w.idea == "no-lock")
    lost = question.grade(problem, no_lock.answer)[1]
    assert lost.misconception == "loses-a-race"
    names = {"ptlab": ptlab, "__name__": "__main__"}
    exec(no_lock.answer.text, names)
    find_scene, show = lost.where.removesuffix(" shows it").split("; ")
    exec(find_scene, names)
    story = eval(show.replace("answer", "Answer"), names)
    assert "without the PMD lock" in story.title


PEEKS = [
    "mm.machine.mem.nonnone[tables]",
    'int("{0.nonnone[%d]}".replace("%d", str(tables)).format(mm.machine.mem))',
    "mm.machine.mem.filled(tables)",
    "mm.machine.mem.empty(tables) is None",
    "any(mm.machine.mem.entries[tables, :])",
    "scanned(mm, tables) < 512",
]


@pytest.mark.parametrize("peek", PEEKS)
def test_a_look_at_the_simulators_count_is_seen_however_it_is_written(peek, monkeypatch):
    monkeypatch.setattr(scheme_question, "scheme", sandbox.scheme)
    monkeypatch.setattr(scheme_question, "SCENES", ())
    cell = scheme_answers.right("scheme-2").replace("self.count[tables]", peek)
    cell = cell.replace("import unhook_if_empty", "import scanned, unhook_if_empty")
    found = QUESTIONS["scheme-2"].grade(
        QUESTIONS["scheme-2"].pose(Random(0)), scheme_answers.as_code(cell)
    )
    assert found[-1].misconception == "peeks" and not found[-1].ok


def test_a_scheme_that_does_nothing_while_others_run_has_not_been_put_to_the_test():
    question = QUESTIONS["scheme-1"]
    cell = scheme_answers.right("scheme-1")
    shy = cell.replace('if why != "madvise":', 'if why != "madvise" or mm.machine.others.several:')
    found = question.grade(question.pose(Random(0)), scheme_answers.as_code(shy))
    assert [finding.ok for finding in found] == [True, False, True, True]
    assert found[1].misconception == "frees-nothing" and "put-locked" in found[1].what


CARELESS = {
    "scheme-1": """
    def zapped(self, mm, tables, walk, why, tlb):
        if why != "madvise":
            return
        if mm.machine.mem.live().size > 6:
            if not mm.machine.mem.nonnone[tables]:
                yield mm.unhook_pte(tables, "answer")
                tlb.free_tables(tables)
            return
        gone = yield from unhook_if_empty(mm, tables, "answer", "pte_offset_map_lock")
        if gone is not None:
            tlb.free_tables(gone)
""",
    "scheme-3": """
    def background(self, mm):
        if mm.machine.mem.live().size <= 6:
            yield from self._careful(mm)
            return
        for table in [table for table, rests in self.resting.items() if rests]:
            mm.machine.store.put(self, "resting", table, False)
            gone = yield from unhook_if_empty(mm, table, "answer", "pte_offset_map_lock")
            if gone is not None:
                yield mm.machine.call_rcu(gone)
""",
}


@pytest.mark.parametrize("name", CARELESS)
@pytest.mark.parametrize("grading", [False, True])
def test_a_class_that_is_careful_in_small_races_alone_loses_those_in_a_program(name, grading):
    question = QUESTIONS[name]
    problem, *further = (question.pose(Random(seed)) for seed in range(4))
    right = scheme_answers.right(name).replace("def background(", "def _careful(")
    cell = right.replace("def zapped(", "def _zapped(") if name == "scheme-1" else right
    with seeds.graded_with("not-known-to-any-student") if grading else nullcontext():
        found = question.grade(problem, scheme_answers.as_code(cell + CARELESS[name]), further)
    assert [finding.ok for finding in found] == [True, False, True, False]
    assert found[1].misconception == "loses-a-race" and "wins 10 races" in found[1].what


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_right_class_wins_every_race_in_a_program(name):
    question, space = QUESTIONS[name], {"__name__": "answer"}
    exec(scheme_answers.right(name), space)
    for seed in range(5):
        text = question.pose(Random(seed)).text
        assert (
            scheme_places.lost(space["Answer"], text, not question.at_once, Random(seed), 99) == ""
        )


def test_a_race_with_too_many_schedules_is_not_won(monkeypatch):
    monkeypatch.setattr("ptlab.classroom.scheme_judge.MOST", 3)
    question = QUESTIONS["scheme-1"]
    problem = question.pose(Random(0))
    found = question.grade(problem, question.solve(problem))
    assert not found[1].ok and "more than 3 schedules" in found[1].what
    assert "story" not in found[1].where


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("    def zaped(self, mm, tables, walk, why, tlb):\n        return ()", "spelt wrong"),
        ("    def zapped(self, mm, tables):\n        return ()", "in the same order"),
        ("    def zapped(self, mm, tables, walk, why, tlb):\n        nowhere", "imported in its"),
    ],
)
def test_a_class_that_raises_is_told_where_to_look(cell, hint, monkeypatch):
    monkeypatch.setattr(scheme_question, "scheme", sandbox.scheme)
    question = QUESTIONS["scheme-1"]
    text = f"from ptlab import ReclaimScheme\nclass Answer(ReclaimScheme):\n{cell}\n"
    (found,) = question.grade(question.pose(Random(0)), scheme_answers.as_code(text))
    assert hint in found.where
    hints = [h for h in scheme_question._WHY_RAISED.values() if h in found.where]
    assert len(hints) == 1
