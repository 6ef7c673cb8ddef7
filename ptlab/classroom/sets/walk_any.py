"""The last question of set 1, whose answer is a function: tables for any pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ptlab.base.geometry import PAGE_SIZE
from ptlab.classroom import seeds
from ptlab.classroom.question import Question, Wrong, refused, shown
from ptlab.classroom.report import Finding
from ptlab.classroom.sandbox import Failed, Limits, Stopped, values
from ptlab.classroom.student_code import Code
from ptlab.process.process import Process

_END = 1 << 28
"""Pages in the area: 1 TiB."""
_DISTANCES = (0, 1, 256, 512, 768, 1 << 17, 1 << 18, 3 << 18, 1 << 26, 1 << 27)
"""How far apart, bit by bit: in one table, next to each other, at each level."""


@dataclass(frozen=True)
class Pages:
    """Page numbers, counted from the start of a PGD entry; a page may come twice."""

    pages: tuple[int, ...]


class AnyPages(Question[Pages]):
    """Write a function that counts the tables for a list of pages."""

    name = "walk-4"
    title = "any pages"
    points = 4
    minutes = 20
    goal = "count the tables that any set of pages needs"
    further = 19
    hints = (
        "Two pages need the same PTE page exactly when they lie in the same 2 MiB. What do the "
        "numbers of 512 neighbours have in common?",
        "Page numbers have lost the lowest twelve bits of the address. Which bits of a page "
        "number choose the PTE page, which the PMD page, which the PUD page?",
        "The size of a set of `page >> shift`, for three shifts that are nine apart.",
    )

    def pose(self, rng: Random) -> Pages:
        """Pages at every kind of distance from each other; seldom none at all."""
        pages = [rng.randrange(_END)] if rng.randrange(10) else []
        for _ in range(rng.randrange(3, 12) if pages else 0):
            pages.append(rng.choice(pages) ^ rng.choice(_DISTANCES))
        return Pages(tuple(pages))

    def text(self, problem: Pages) -> str:
        """The function wanted, and one list to try it on."""
        some = _told(problem.pages[:4])
        return (
            "A process has touched some pages of an area that begins at a PGD entry, and nothing "
            "else. **Write a function `tables_for(pages)`** that takes the list of page numbers "
            "(0 is the first page of the area; a number may come twice) and returns how many "
            "tables of each level that takes: `(PUD pages, PMD pages, PTE pages)`.\n\n"
            f"It is tried on {1 + self.further} lists; one begins with `{some}`. All numbers are "
            "below 2^28, which is 1 TiB. Do not ask the simulator: the function runs where it has "
            "only Python.\n\n"
            "Define it with `def`, whole in one cell. Answer with the function: `answer = "
            "tables_for`."
        )

    def grade(self, problem: Pages, answer: object, further: Sequence[Pages] = ()) -> list[Finding]:
        """Call it in the sandbox; each list gives its share."""
        problems = [problem, *further]
        try:
            results = values(answer, [(list(p.pages),) for p in problems], _LIMITS)
        except Stopped as error:
            return refused(str(error), self.points)
        return self.compared(problems, results)

    def compared(self, problems: Sequence[Pages], results: Sequence[object]) -> list[Finding]:
        """Findings for what the function gave; the shortest list that it gets wrong is told."""
        wrong = [k for k, p in enumerate(problems) if not _same(results[k], _built(p.pages))]
        share = self.points / len(problems)
        right = len(problems) - len(wrong)
        many = f"{right} of {len(problems)} lists are right"
        findings = [Finding(True, many, share * right)] if right else []
        if wrong:
            what = f"{len(wrong)} of {len(problems)} lists are wrong"
            # At grading the further lists are secret, and so is what a function makes of them.
            tellable = [k for k in wrong if k == 0 or not seeds.grading()]
            for k in sorted(tellable, key=lambda k: len(problems[k].pages) or _END)[:1]:
                what += f"; one of them: {_called(problems[k].pages, results[k])}"
            raised = any(isinstance(results[k], Failed) for k in wrong)
            idea = "raises" if raised else "counts-wrong"
            where = _look(results[wrong[0]])
            findings.append(Finding(False, what, share * len(wrong), where, idea))
        return findings

    def solve(self, problem: Pages) -> Code:
        """Three sets."""
        return _code("tuple(len({page >> shift for page in pages}) for shift in (27, 18, 9))")

    def why(self, problem: Pages) -> str:
        """The function and the reason for its shifts."""
        return (
            f"```python\n{self.solve(problem).text}```\n\nA PTE page serves 2^9 pages, a PMD page "
            f"2^18, a PUD page 2^27. For the first list, {_told(problem.pages)}, the engine has "
            f"built {_built(problem.pages)}."
        )

    def wrong(self, problem: Pages) -> list[Wrong]:
        """Functions that are right for some lists."""
        some = "tuple(len({page >> shift for page in pages}) for shift in SHIFTS)"
        return [
            Wrong("own-pte-page-each", _SHARED, _code("(1, 1, len(pages))"), 1),
            Wrong("one-level-off", _SHARED, _code(some.replace("SHIFTS", "(18, 9, 0)")), 1),
            Wrong("address-shifts", _BITS, _code(some.replace("SHIFTS", "(39, 30, 21)")), 1),
            Wrong("reversed", _ORDER, _code(some.replace("SHIFTS", "(9, 18, 27)")), 2),
            Wrong("1024-entries", _BITS, _code(some.replace("SHIFTS", "(30, 20, 10)")), 2),
            Wrong("as-if-in-one-piece", _FAR, _code("(1, 1, -(-len(pages) // 512))"), 1),
            Wrong("prints", _RETURN, _code("print(pages)"), 0),
        ]


_LIMITS = Limits(seconds=10, mib=512)
_TRY = "Take a list by hand, level by level."
_ALONE = (
    "It runs alone, from the text of its cell: what it imports and calls has to be in the same "
    "cell."
)
_CALL = "Call it yourself, with a list of two or three numbers."
_THREE = "It has to return three numbers: (PUD pages, PMD pages, PTE pages)."
_SHARED = "Neighbours share tables."
_BITS = "Which bits of a page number choose the table?"
_ORDER = "PUD pages come first."
_FAR = "Pages that are far apart need tables of their own."
_RETURN = "A function gives its result with return."


def _code(expression: str) -> Code:
    text = f"def tables_for(pages):\n    return {expression}\n"
    return Code("function", "tables_for", text)


def _same(result: object, truth: tuple[int, int, int]) -> bool:
    return type(result) in (list, tuple) and tuple(result) == truth  # type: ignore[arg-type]


def _look(result: object) -> str:
    """Where to look, from the form of a wrong result."""
    if isinstance(result, Failed):
        return _ALONE if "NameError" in result.why else _CALL
    if result is None:
        return _RETURN
    three = type(result) in (list, tuple) and len(result) == 3  # type: ignore[arg-type]
    return _TRY if three else _THREE


def _called(pages: Sequence[int], result: object) -> str:
    call = f"tables_for({_told(pages)})"
    return (
        f"{call} fails: {result.why}" if isinstance(result, Failed) else f"{call} = {shown(result)}"
    )


def _told(pages: Sequence[int]) -> str:
    return f"[{', '.join(map(hex, pages))}]"


def _built(pages: Sequence[int]) -> tuple[int, int, int]:
    """The tables that the engine builds."""
    process = Process(record=False)
    area = process.mmap(_END * PAGE_SIZE, at=1 << 44, noreserve=True)
    for page in pages:
        process.touch(area + page * PAGE_SIZE, 1)
    now = process.counters
    return now.pud, now.pmd, now.pte
