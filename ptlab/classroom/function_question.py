"""FunctionQuestion: the answer is a function, called in the sandbox on several problems."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, TypeVar

from ptlab.classroom import seeds
from ptlab.classroom.box_process import Stopped
from ptlab.classroom.question import Question, refused, shown
from ptlab.classroom.report import Finding
from ptlab.classroom.sandbox import Failed, not_runnable, values
from ptlab.classroom.solution import solution_of

P = TypeVar("P")


class FunctionQuestion(Question[P]):
    """Each call gives its share of the points. The file's remarks say where to look, by the result:

    alone   it raised NameError: what it needs is not in its cell
    raises  it raised something else
    none    it returned nothing
    form    what it returned has not the form that is asked for
    wrong   it has, and is wrong
    """

    function: ClassVar[str]
    """The name of the function, as the text gives it."""

    @abstractmethod
    def argument(self, problem: P) -> list[int]:
        """What the function is called with."""

    def truth(self, problem: P) -> tuple[int, ...]:
        """What it has to return."""
        return solution_of(self).truth(problem)

    def ill_formed(self, problem: P, answer: object) -> str:
        """It is no function whose text can be judged."""
        return not_runnable(answer, "function")

    def judge(self, problem: P, answer: object, further: Sequence[P] = ()) -> list[Finding]:
        """Call it in the sandbox; each call gives its share."""
        problems = [problem, *further]
        try:
            results = values(answer, [(self.argument(p),) for p in problems])
        except Stopped as error:
            return refused(str(error), self.points)
        return self.compared(problems, results)

    def compared(self, problems: Sequence[P], results: Sequence[object]) -> list[Finding]:
        """Findings for what the function gave; the shortest list that it gets wrong is shown."""
        pairs = list(zip(problems, results, strict=True))
        wrong = [(k, p, r) for k, (p, r) in enumerate(pairs) if not self._right(p, r)]
        share, right = self.points / len(pairs), len(pairs) - len(wrong)
        many = f"{right} of {len(pairs)} lists are right"
        findings = [Finding(True, many, share * right)] if right else []
        if wrong:
            what = f"{len(wrong)} of {len(pairs)} lists are wrong"
            # At grading the further lists are secret, and so is what a function makes of them.
            open_ones = [(p, r) for k, p, r in wrong if k == 0 or not seeds.grading()]
            if open_ones:
                shortest = min(open_ones, key=lambda one: len(self.argument(one[0])) or 1 << 30)
                what += f"; one of them: {self._called(*shortest)}"
            raised = any(isinstance(result, Failed) for _, _, result in wrong)
            where = self.wording.remarks[self._kind(*wrong[0][1:])]
            idea = "raises" if raised else "counts-wrong"
            findings.append(Finding(False, what, share * len(wrong), where, idea))
        return findings

    def _right(self, problem: P, result: object) -> bool:
        return type(result) in (list, tuple) and tuple(result) == self.truth(problem)  # type: ignore[arg-type]

    def _kind(self, problem: P, result: object) -> str:
        """Which remark a wrong result calls for."""
        if isinstance(result, Failed):
            return "alone" if "NameError" in result.why else "raises"
        if result is None:
            return "none"
        length = len(self.truth(problem))
        formed = type(result) in (list, tuple) and len(result) == length  # type: ignore[arg-type]
        return "wrong" if formed else "form"

    def _called(self, problem: P, result: object) -> str:
        call = f"{self.function}([{', '.join(map(hex, self.argument(problem)))}])"
        if isinstance(result, Failed):
            return f"{call} fails: {result.why}"
        return f"{call} = {shown(result)}"
