"""Points into the gradebook of Canvas or Moodle: its own export, with our columns filled in.

Both take back the file that they export. Canvas names a column after the assignment and its number,
`ps1_the_walk (4711)`, and has a row of the points to reach; Moodle writes `Assignment: ps1_the_walk
(Real)`. (docs.moodle.org, Grade import; Canvas, Gradebook export and import.) A column whose name has
the name of a set in it is filled; everything else stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ptlab.classroom import seeds
from ptlab.classroom.gradebook import NAME


class Total(NamedTuple):
    """What a student has for a set, what a person gave and took off for lateness included."""

    score: float
    most: float


Totals = Mapping[tuple[str, str], Total]
"""By student and set."""

_POINTS_POSSIBLE = "points possible"


class NotFilled(ValueError):
    """The file is no export that can be filled; the message is for a teacher."""


def totals(folder: Path) -> dict[tuple[str, str], Total]:
    """All that nbgrader's gradebook in `folder` has graded. NotFilled: there is none."""
    path = folder / NAME
    if not path.is_file():
        raise NotFilled(f"{path} is not there: nbgrader autograde makes it")
    try:
        from nbgrader.api import Gradebook
    except ImportError:
        raise NotFilled("nbgrader is not installed: pip install '.[teach]'") from None
    with Gradebook(f"sqlite:///{path.resolve()}") as book:
        return {
            (submission.student.id, assignment.name): Total(
                max(0.0, submission.score - (submission.late_submission_penalty or 0.0)),
                submission.max_score,
            )
            for assignment in book.assignments
            for submission in assignment.submissions
        }


def fill(rows: Sequence[Sequence[str]], totals: Totals) -> tuple[list[list[str]], list[str]]:
    """The export's rows with the points in them; and what a teacher should know, in sentences."""
    table = [list(row) for row in rows]
    if not table:
        raise NotFilled("it is empty: export the gradebook as CSV first")
    sets = sorted({name for _, name in totals})
    columns = {name: _column(table[0], name) for name in sets}
    if all(column is None for column in columns.values()):
        raise NotFilled(f"no column of it has the name of a set: {', '.join(sets)}")
    students = sorted({student for student, _ in totals})
    logins = {*map(_plain, students), *map(_before_a_code, students)} - {""}
    who = _who(table, logins)
    told = [f"{name}: no column has this name" for name in sets if columns[name] is None]
    there, seen = {_plain(row[who]) for row in table[1:] if who < len(row)} & logins, set[str]()
    whose = {plain: [name for name in students if _belongs(name, plain, there)] for plain in there}
    for row in table[1:]:
        row += [""] * (len(table[0]) - len(row))
        names = whose.get(_plain(row[who]), [])
        seen.update(names)
        for name, column in columns.items():
            if column is None:
                continue
            if row[0].strip().casefold() == _POINTS_POSSIBLE:
                told += _other_points(name, row[column], totals)
            elif found := [totals[student, name] for student in names if (student, name) in totals]:
                row[column] = f"{found[0].score:g}"
    missing = sorted(set(students) - seen)
    return table, told + [f"{student}: is graded, and not in the file" for student in missing]


def _column(head: Sequence[str], name: str) -> int | None:
    whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    return next((k for k, title in enumerate(head) if whole.search(title)), None)


def _who(table: list[list[str]], students: set[str]) -> int:
    """The column that names our students: a login, a user name, the beginning of an address."""
    width = len(table[0])
    hits = [
        len(students & {_plain(row[k]) for row in table[1:] if k < len(row)}) for k in range(width)
    ]
    if not any(hits):
        raise NotFilled(
            "no column of it has the names under which students handed in, such as "
            f"{', '.join(sorted(students)[:3])}"
        )
    return hits.index(max(hits))


def _plain(name: str) -> str:
    return seeds.plain(name).split("@")[0]


def _before_a_code(student: str) -> str:
    """The login in a name for an exam, such as amy7-k3qx."""
    return _plain(student).rpartition("-")[0]


def _belongs(student: str, plain: str, there: set[str]) -> bool:
    whole = _plain(student)
    return whole == plain or (whole not in there and _before_a_code(student) == plain)


def _other_points(name: str, there: str, totals: Totals) -> list[str]:
    """Canvas's points to reach, where they are not ours."""
    most = max(total.most for (_, problem_set), total in totals.items() if problem_set == name)
    try:
        same = float(there) == most
    except ValueError:
        same = False
    return (
        [] if same else [f"{name}: the file says {there.strip() or 'no'} points, it has {most:g}"]
    )
