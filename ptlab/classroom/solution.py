"""Solution: what answers a question. An instructor has it as code, a student for practice as data.

The code is in `solutions/`, a module for each set. A wheel does not carry that folder. So a student's
install can solve the practice problems alone: their answers are in `practice/`, which
`make practice` writes from the code.

How to write one: subclass Solution in a module of `solutions/`, give it the question's name, and name
it in that module's SOLUTIONS. `solve` asks the engine, so there is no key to keep. `wrong` lists what
students who hold known mistaken ideas would answer: the tests check that each loses points, and
`grade` may use them to recognise the idea behind an answer. `solutions/texts/NAME.toml` has the words of
the reasoning.
"""

from __future__ import annotations

import functools
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from importlib import import_module, resources
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from ptlab.classroom import seeds
from ptlab.classroom.wire_format import unpack
from ptlab.classroom.wording import Fills, Reasoning, reasoning

P = TypeVar("P")

SOLUTIONS = Path(__file__).with_name("solutions")
_BESIDE = (".git", "exercises", "tests")


class Wrong(NamedTuple):
    """A plausible wrong answer.

    idea    short name of the mistaken idea, such as "dontneed-frees-tables"
    says    one sentence to a student who seems to hold it; it does not give the answer away
    answer  what somebody with this idea answers
    keeps   the most points that this answer may keep
    """

    idea: str
    says: str
    answer: Any
    keeps: float


class NotHere(LookupError):
    """The solution of a graded problem is asked for, and this install has it not."""


class Solution(ABC, Generic[P]):
    """How one question is solved. `asked` is the question."""

    name: ClassVar[str]
    """That of the question."""
    shown: ClassVar[bool] = True
    """Whether practice shows it: no, if it would answer the graded problem of every student too."""

    def __init__(self, asked: Any) -> None:
        self.asked = asked

    @abstractmethod
    def solve(self, problem: P) -> Any:
        """A right answer, found by the engine."""

    @abstractmethod
    def wrong(self, problem: P) -> list[Wrong]:
        """At least five plausible wrong answers to `problem`."""

    def why(self, problem: P) -> str:
        """The answer with its reasoning, in Markdown: for teachers and `ptlab quiz -c`."""
        return self.reasoning.why.format(problem=problem, self=self, **self.in_why(problem))

    def in_why(self, problem: P) -> Fills:
        """What the reasoning has in braces, besides `problem` and `self`."""
        return {}

    def truth(self, problem: P) -> tuple[int, ...]:
        """What a function that is the answer has to return for `problem`."""
        raise TypeError(f"the answer to {self.name} is no function")

    @property
    def reasoning(self) -> Reasoning:
        """Its words."""
        return reasoning(self.name)

    def mistake(self, idea: str, answer: Any, keeps: float) -> Wrong:
        """A wrong answer with what the question's file says about its idea."""
        return Wrong(idea, self.asked.wording.ideas[idea], answer, keeps)


class Practice(Solution[Any]):
    """What a student's install has: the answers to the practice problems, by the problem."""

    def _found(self, problem: Any, what: str) -> Any:
        entry = _bank(self.asked.name).get(digest(problem), {})
        if what not in entry:
            raise NotHere(
                f"{self.asked.name}: the solution of this problem is in the instructor's part of "
                "ptlab, which is not installed here. Practice problems are judged and explained: "
                "ptlab.practice(0) in place of ptlab.student(...)"
            )
        return entry[what]

    def solve(self, problem: Any) -> Any:
        """The stored answer. NotHere: it is no practice problem, or its answer is code."""
        return unpack(self._found(problem, "answer"))

    def wrong(self, problem: Any) -> list[Wrong]:
        """The stored ones."""
        found = self._found(problem, "wrong")
        return [self.mistake(idea, unpack(answer), keeps) for idea, answer, keeps in found]

    def why(self, problem: Any) -> str:
        """The stored text."""
        return str(self._found(problem, "why"))

    def truth(self, problem: Any) -> tuple[int, ...]:
        """The stored numbers."""
        return tuple(self._found(problem, "truth"))


@functools.cache
def instructors() -> dict[str, type[Solution[Any]]] | None:
    """The class that solves each question, by its name; None where there is no instructor's part."""
    try:
        part = import_module(_PART)
    except ModuleNotFoundError as error:
        if error.name in (
            _PART,
            _PART.rpartition(".")[0],
        ):  # in a box the folder is there, and empty
            return None
        raise
    found: dict[str, type[Solution[Any]]] = part.classes()
    return found


_PART = "ptlab.classroom.solutions.of_questions"


def instructors_part() -> list[Path]:
    """What no submission may see: the solutions, and in a checkout what else there tells them."""
    checkout = Path(__file__).parents[2]
    beside = [checkout / name for name in _BESIDE] if (checkout / "pyproject.toml").exists() else []
    return [path for path in (SOLUTIONS, *beside) if path.exists()]


def not_here(name: str) -> str:
    """What a student's install says of the graded problem of question `name`."""
    return (
        f"{name}: a graded problem is judged and shown where it is graded, not here. Practice problems "
        "are judged and shown: ptlab.practice(0) in place of ptlab.student(...)"
    )


def only_practice(question: Any, problems: Iterable[object]) -> None:
    """NotHere: one of the problems is nobody's practice, and this install is a student's."""
    if instructors() is not None:
        return
    names = map(seeds.practice_name, range(seeds.PRACTICE))
    sources = [seeds.own(question.name, name) for name in names]
    sources += seeds.further(question.name, question.further)
    known = list(map(question.pose, sources))
    if any(problem not in known for problem in problems):
        raise NotHere(not_here(question.name))


def solution_of(question: Any) -> Solution[Any]:
    """The solution of `question`, as far as this install has it."""
    all_of_them = instructors()
    return Practice(question) if all_of_them is None else all_of_them[question.name](question)


def digest(problem: object) -> str:
    """A short name of a problem."""
    return hashlib.sha256(repr(problem).encode()).hexdigest()[:16]


@functools.cache
def _bank(name: str) -> dict[str, dict[str, Any]]:
    file = resources.files("ptlab.classroom") / "practice" / f"{name}.json"
    found: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return found
