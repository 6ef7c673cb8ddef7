"""Practice problems with their answers, as data: what a student's install judges by.

`make practice` writes `practice/NAME.json` for each question, from the instructor's part. A test checks
that they are those of the code. They are all that a wheel has of the solutions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ptlab.classroom import seeds
from ptlab.classroom.function_question import FunctionQuestion
from ptlab.classroom.question import Question
from ptlab.classroom.sets import questions
from ptlab.classroom.solution import digest, solution_of
from ptlab.classroom.wire_format import pack

FOLDER = Path(__file__).parents[1] / "practice"


def entries(question: Question[Any]) -> dict[str, dict[str, Any]]:
    """By the digest of each practice problem: what judges it, and what shows its answer.

    An answer that is code is right for everybody's problem, so it is left out.
    """
    names = map(seeds.practice_name, range(seeds.PRACTICE))
    posed = [question.pose(seeds.own(question.name, name)) for name in names]
    if isinstance(question, FunctionQuestion):
        posed += map(question.pose, seeds.further(question.name, question.further))
        return {digest(problem): {"truth": question.truth(problem)} for problem in posed}
    if not solution_of(question).shown:
        return {}
    return {
        digest(problem): {
            "answer": pack(question.solve(problem)),
            "why": question.why(problem),
            "wrong": [(w.idea, pack(w.answer), w.keeps) for w in question.wrong(problem)],
        }
        for problem in posed
    }


def as_text(question: Question[Any]) -> str:
    """The file of a question: a line for each problem."""
    lines = (f"{json.dumps(key)}: {json.dumps(one)}" for key, one in entries(question).items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write() -> None:
    """Write the file of each question."""
    FOLDER.mkdir(exist_ok=True)
    for question in questions().values():
        (FOLDER / f"{question.name}.json").write_text(as_text(question), encoding="utf-8")


if __name__ == "__main__":
    write()
