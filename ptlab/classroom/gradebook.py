"""nbgrader's gradebook beside the reports: whether both say the same, and what waits for a person.

nbgrader reads a report's number once, right after grading. Whatever changes `gradebook.db` later, or
whatever is graded without a report, shows here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ptlab.classroom.box_ways import WAYS

NAME = "gradebook.db"


class Entry(NamedTuple):
    """One graded cell in the gradebook. Points are None where nobody has given any."""

    student: str
    problem_set: str
    cell: str
    auto: float | None
    manual: float | None
    extra: float | None
    waits: bool
    """Whether a person has to grade it."""


def entries(folder: Path) -> list[Entry] | None:
    """All of the gradebook in `folder`; None if there is none, or nbgrader is not installed."""
    path = folder / NAME
    try:
        from nbgrader.api import Gradebook
    except ImportError:
        return None
    if not path.is_file():
        return None
    with Gradebook(f"sqlite:///{path.resolve()}") as book:
        return [
            Entry(
                submission.student.id,
                assignment.name,
                grade.name,
                grade.auto_score,
                grade.manual_score,
                grade.extra_credit,
                bool(grade.needs_manual_grade),
            )
            for assignment in book.assignments
            for submission in assignment.submissions
            for notebook in submission.notebooks
            for grade in notebook.grades
        ]


def differences(book: Iterable[Entry], reports: dict[tuple[str, str, str], float]) -> Iterator[str]:
    """Sentences. `reports`: the points of each report, by student, set and cell."""
    seen = set()
    for entry in book:
        key = entry[:3]
        seen.add(key)
        where = f"{entry.problem_set}/{entry.cell} of {entry.student}"
        if key in reports:
            yield from _differs(where, entry, reports[key])
        elif entry.auto:
            yield f"{where}: the gradebook has {entry.auto:g} points, and there is no report"
    for key in sorted(reports.keys() - seen):
        student, problem_set, cell = key
        where = f"{problem_set}/{cell} of {student}"
        yield f"{where}: the report has {reports[key]:g} points, and the gradebook does not know it"


def _differs(where: str, entry: Entry, points: float) -> Iterator[str]:
    if entry.auto is None or abs(entry.auto - points) > 1e-6:
        has = "no" if entry.auto is None else f"{entry.auto:g}"
        yield f"{where}: the report has {points:g} points, the gradebook {has}"
    if entry.manual is not None and abs(entry.manual - points) > 1e-6:
        yield f"{where}: the report has {points:g} points, a person has given {entry.manual:g}"
    if entry.extra:
        yield f"{where}: the gradebook adds {entry.extra:g} points of extra credit"


def waiting(book: Iterable[Entry]) -> list[str]:
    """What a person has still to grade: for each cell the students."""
    cells: dict[tuple[str, str], list[str]] = {}
    for entry in book:
        if entry.waits:
            cells.setdefault((entry.problem_set, entry.cell), []).append(entry.student)
    return [
        f"{problem_set}/{cell}: {len(students)}, of {', '.join(sorted(students))}"
        for (problem_set, cell), students in sorted(cells.items())
    ]


class Run(NamedTuple):
    """A graded notebook: what its reports say of the run that made them."""

    student: str
    problem_set: str
    file: str
    scores: tuple[tuple[str, float], ...]
    """The points of each check cell, by its grade id."""
    way: str
    """The way of shutting in (box.WAYS) that was in force."""
    left: tuple[str, ...]
    """Names of processes that still ran when the notebook was done."""
    mark: str
    """Of the secret that it was graded with (secret.mark)."""


class Caution(NamedTuple):
    """Something that a teacher should know besides points."""

    heading: str
    lines: list[str]
    wrong: bool
    """Whether something has to be done about it before the grades can be used."""


def cautions(folder: Path, runs: list[Run]) -> list[Caution]:
    """All there is to say of the grading in `folder`."""
    book = entries(folder)
    scores = {(run.student, run.problem_set, cell): x for run in runs for cell, x in run.scores}
    done = {(run.student, run.problem_set) for run in runs}  # of the others there is more to say
    found = []
    if book is not None:
        unlike = list(differences(book, scores))
        found = [
            Caution("The gradebook and the reports differ", unlike, True),
            Caution(
                "Waits for a person", waiting(entry for entry in book if entry[:2] in done), False
            ),
        ]
    left = [
        f"{run.problem_set}/{run.file} of {run.student}: {', '.join(run.left)}"
        for run in runs
        if run.left
    ]
    marks = {run.mark for run in runs}
    secrets = [
        f"{mark}: {sum(run.mark == mark for run in runs)} notebooks" for mark in sorted(marks)
    ]
    found += [
        Caution("Still ran when its notebook was done, and was ended", left, False),
        Caution("Graded with different secrets", secrets if len(marks) > 1 else [], True),
        Caution("In force while notebooks ran", _in_force(runs), False),
    ]
    return [caution for caution in found if caution.lines]


def _in_force(runs: list[Run]) -> list[str]:
    counts = [(way, sum(run.way == way.name for run in runs)) for way in WAYS]
    return [f"{count} notebooks: {way.says}" for way, count in counts if count]
