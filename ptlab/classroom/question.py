"""Question: a problem made from a seed, graded with reasons. Its solution is elsewhere: solution.py.

How to write one: subclass it in a module of `sets/`, name it in that module's QUESTIONS, and write
its words into `sets/texts/NAME.toml` (see `wording.py`). The problem is a frozen dataclass of plain
data. Then write its Solution, in the module of the same name in `solutions/`.

A new set is a module in both folders and its name in SETS of `sets/__init__.py`; nothing else needs to
know.

A problem that a literal answer belongs to depends on the student's name alone. An answer that is code
says in `further` on how many more problems it is judged; `check` makes them (see `seeds.py`) and hands
them to `grade`, which gives code to `sandbox.py` and never calls it.

An answer is whatever the student's cell left: None, text, a class that misbehaves. `grade` never
calls a method of it. It looks at exact types (see `table.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar, Generic, TypeVar

from ptlab.classroom.report import Finding
from ptlab.classroom.solution import Wrong, only_practice, solution_of
from ptlab.classroom.student_code import class_name, kind_of
from ptlab.classroom.wire_format import NotCarried
from ptlab.classroom.wording import Fills, Wording, wording
from ptlab.story.story import Story

P = TypeVar("P")


class Question(ABC, Generic[P]):
    """One question. Subclasses give its name and define the methods below; its words are in a file."""

    name: ClassVar[str]
    """'walk-1': the set and a number."""
    wording: ClassVar[Wording]
    """Its title, points, text, hints and ideas."""
    further: ClassVar[int] = 0
    """On how many further problems an answer is judged that is code."""

    def __init_subclass__(cls) -> None:
        """A question with a name has its words in a file of that name."""
        if "name" in vars(cls):
            cls.wording = wording(cls.name)

    @property
    def points(self) -> float:
        """What a right answer is worth."""
        return self.wording.points

    @abstractmethod
    def pose(self, rng: Random) -> P:
        """A problem. The same randomness gives the same one."""

    def text(self, problem: P) -> str:
        """The problem in Markdown, with the form that the answer must have."""
        return self.wording.text.format(problem=problem, self=self, **self.in_text(problem))

    def in_text(self, problem: P) -> Fills:
        """What the text has in braces, besides `problem` and `self`."""
        return {}

    @abstractmethod
    def ill_formed(self, problem: P, answer: object) -> str:
        """Why `answer` has not the form that is asked for; "" if it has. Nothing is judged."""

    def grade(self, problem: P, answer: object, further: Sequence[P] = ()) -> list[Finding]:
        """What is right and what is not. `further` problems are for answers that are code.

        NotHere: a problem is graded, and this install is a student's.
        """
        only_practice(self, [problem, *further])
        return self.judge(problem, answer, further)

    @abstractmethod
    def judge(self, problem: P, answer: object, further: Sequence[P] = ()) -> list[Finding]:
        """What `grade` gives."""

    def story(self, problem: P) -> Story | None:
        """The run behind the problem, to step through after an answer; None if there is none.

        NotHere: it would be the answer to a graded problem, and this install is a student's.
        """
        only_practice(self, [problem])
        return self.run(problem)

    def run(self, problem: P) -> Story | None:
        """What `story` gives."""
        return None

    # -- what the solution knows. NotHere: the install of a student has it for practice alone --

    def solve(self, problem: P) -> Any:
        """A right answer."""
        return solution_of(self).solve(problem)

    def why(self, problem: P) -> str:
        """The answer with its reasoning, in Markdown: for teachers and `ptlab quiz -c`."""
        return solution_of(self).why(problem)

    def wrong(self, problem: P) -> list[Wrong]:
        """At least five plausible wrong answers."""
        return solution_of(self).wrong(problem)


def refused(why: str, points: float, idea: str = "ill-formed") -> list[Finding]:
    """The findings for an answer that cannot be read: nothing is right."""
    return [Finding(False, why, points, misconception=idea)]


def shown(answer: object, longest: int = 60) -> str:
    """`answer` for a message, without running any code of its own and never long."""
    if answer is None:
        return "None"
    if type(answer) is int and abs(answer) >= 10**18:
        return f"a number with {answer.bit_length()} bits"
    if kind_of(answer) in (int, float, bool):
        return repr(answer)
    if type(answer) is str:
        return repr(answer[:longest]) + ("..." if len(answer) > longest else "")
    if kind_of(answer) in (list, tuple):
        items: list[object] = list(answer[:6])  # type: ignore[index]
        inner = ", ".join(shown(x, 20) if kind_of(x) not in (list, tuple) else "..." for x in items)
        inner += ", ..." if len(answer) > 6 else ""  # type: ignore[arg-type]
        return f"[{inner}]" if type(answer) is list else f"({inner})"
    if type(answer) is NotCarried:
        return str(answer.what)[:longest]
    return f"something of type {class_name(type(answer))}"
