"""SchemeQuestion: the answer is a reclaim scheme, a class of the student's, judged by what it does.

The limits are not ours: they are what designs of the debate do on the same program, so they move with
the seed. The answer runs in the sandbox, on the student's program, on further ones, and through the
race scenes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from ptlab.classroom import seeds
from ptlab.classroom.box_process import Stopped
from ptlab.classroom.question import Question
from ptlab.classroom.report import Finding
from ptlab.classroom.sandbox import not_runnable, scheme
from ptlab.classroom.scheme_judge import Run, Trial, measured, trial
from ptlab.classroom.wording import Fills

IN_A_ZAP = ("put-locked", "pmd-same", "walker-rcu", "slow-path", "try-get-rcu")
IN_THE_BACKGROUND = ("two-scans", "scan-fault")
SCENES = (*IN_A_ZAP, "stale-tlb", *IN_THE_BACKGROUND, "scan-munmap", "scan-gup")
"""The races that freeing a PTE page can lose. Each is searched in full in a fraction of a second."""


@dataclass(frozen=True)
class Program:
    """A program in the scenario language, and the most that a scheme may need in it.

    end_kb   VmPTE when the program is done
    kept_kb  VmPTE then under a scheme that frees nothing
    built    tables built in all
    scanned  entries read in search of one that is not none
    writes   how often mmap_lock is taken for write
    """

    text: str
    end_kb: int
    kept_kb: int
    built: int
    scanned: int
    writes: int

    def excess(self, run: Run) -> Iterator[tuple[str, str]]:
        """What of the cost goes beyond its limit: in words, and in numbers."""
        if run.built > self.built:
            yield "builds too many tables", f"{run.built}, and {self.built} are the limit"
        if run.scanned > self.scanned:
            yield "scans too many entries", f"{run.scanned}, and {self.scanned} are the limit"
        if run.writes > self.writes:
            more = f"{run.writes - self.writes} times more than it may"
            yield "takes mmap_lock for write too often", more


class SchemeQuestion(Question[Program]):
    """The answer is a subclass of ReclaimScheme. Its points: it is safe, it frees, it costs little."""

    further = 3
    at_once: ClassVar[bool] = True
    """Whether VmPTE counts as it is when the program ends, or after `background`."""
    frees_in: ClassVar[tuple[str, ...]] = IN_A_ZAP
    """Races in which it has to free a table in some schedule, or it was not put to the test."""
    no_peeking: ClassVar[bool] = False
    """Whether the scheme may not read the simulator's own count of entries."""

    @abstractmethod
    def program(self, rng: Random) -> Iterator[str]:
        """The lines of a program."""

    @abstractmethod
    def limits(self, text: str) -> Program:
        """The program with what designs of the debate need in it."""

    def pose(self, rng: Random) -> Program:
        """A program and its limits."""
        return self.limits("\n".join(self.program(rng)))

    def in_text(self, problem: Program) -> Fills:
        """The number of races."""
        return {"races": len(SCENES)}

    def ill_formed(self, problem: Program, answer: object) -> str:
        """It is no class whose text can be judged."""
        return not_runnable(answer, "class")

    def judge(
        self, problem: Program, answer: object, further: Sequence[Program] = ()
    ) -> list[Finding]:
        """Run it in the sandbox, then look at its numbers."""
        programs = [problem, *further]
        try:
            with scheme(answer) as design:
                found = trial(design, [p.text for p in programs], SCENES, not self.at_once)
        except Stopped as stopped:
            return [Finding(False, str(stopped), self.points, _where(str(stopped)), "ill-formed")]
        runs = list(
            zip(programs, found.runs, strict=False)
        )  # what breaks at once is run no further
        broken = next((run.broken for _, run in runs if run.broken), "")
        if broken:
            return [
                Finding(False, f"it breaks the page tables: {broken}", 2, _STEP, "breaks-tables"),
                Finding(False, "its memory and its cost are judged when nothing breaks", 4),
            ]
        if all(self._end_kb(run) >= program.kept_kb for program, run in runs):
            says = "it frees no PTE page that would stay without it: there is nothing to judge"
            return [Finding(False, says, self.points, _CALLED, "frees-nothing")]
        return [
            Finding(True, "every table and counter is right after each operation", 1),
            self._races(found),
            self._memory(runs),
            _unpaid() if found.races or found.in_place else self._cost(runs, design.peeked),
        ]

    def _end_kb(self, run: Run) -> int:
        return run.now_kb if self.at_once else run.end_kb

    def _races(self, found: Trial) -> Finding:
        untried = [name for name in found.untried if name in self.frees_in]
        if untried and not found.races:
            says = (
                f"in the race {untried[0]} it frees no table in any schedule, though one is empty: "
                "it has not been put to the test"
            )
            return Finding(False, says, 1, _RACES, "frees-nothing")
        if found.in_place and not found.races:
            says = (
                f"it wins {len(SCENES)} races, and loses another in a program: {found.in_place[0]}"
            )
            return Finding(False, says, 1, _EVERYWHERE, "loses-a-race")
        if not found.races:
            return Finding(True, f"it wins {len(SCENES)} races in every schedule", 1)
        scene, schedule, verdict = found.races[0]
        says = (
            f"it loses {len(found.races)} of {len(SCENES)} races. The first is {scene}: {verdict}"
        )
        where = (
            f"from ptlab.race.scenes import find; find({scene!r}).story({schedule!r}, "
            f"find({scene!r}).under(answer)) "
            "shows it"
        )
        if not schedule:
            where = _RACES
        return Finding(False, says, 1, where, "loses-a-race")

    def _memory(self, runs: list[tuple[Program, Run]]) -> Finding:
        for number, (program, run) in enumerate(runs):
            if self._end_kb(run) > program.end_kb:
                numbers = f"{self._end_kb(run)} kB, and {program.end_kb} are the limit"
                says = _told(f"{_which(number)} ends with too many tables", numbers, number)
                return Finding(False, says, 2, _MEASURE, "leaves-tables")
        return Finding(True, "VmPTE is within its limit", 2)

    def _cost(self, runs: list[tuple[Program, Run]], peeked: set[str] | None) -> Finding:
        for number, (program, run) in enumerate(runs):
            if self._end_kb(run) > program.end_kb:
                return Finding(False, "its cost is judged when VmPTE is within its limit", 2)
            for what, numbers in program.excess(run):
                says = _told(f"in {_which(number)} it {what}", numbers, number)
                return Finding(False, says, 2, _MEASURE, "costs-much")
        if self.no_peeking and peeked:
            says = f"it reads {min(peeked)} of ptlab: Linux has no such number, so count yourself"
            return Finding(False, says, 2, misconception="peeks")
        unseen = ". Whether it reads ptlab's own counts is not seen here"
        note = unseen if self.no_peeking and peeked is None else ""
        return Finding(True, f"it costs no more than it may{note}", 2)


def _unpaid() -> Finding:
    """What a precaution costs is no saving for somebody who leaves it out."""
    return Finding(False, "its cost is judged when it loses no race", 2)


_STEP = (
    "Make a Process(answer, grain='table'), do the same operations, and call check() after each."
)
_RACES = "print(*ptlab.races(answer), sep='\\n') runs them all."
_EVERYWHERE = "It has to be as careful in a program as in a small race."
_MEASURE = "run(answer, task.problem.text) shows your numbers."
_CALLED = f"{_MEASURE} A path that is called without `yield from` does nothing."
_RAISES = "run(answer, task.problem.text) raises it here, with the whole way to it."
_WHY_RAISED = {
    "NameError": "What it needs has to be imported in its own cell.",
    "NoneType": "A point that has no step to take returns (), not None.",
    "no point has this name": "A method that is no point is called by nobody. Is it spelt wrong?",
    "it is called with": "A point takes what ReclaimScheme's own has, in the same order.",
}
"""By what the error says; another one gets no such hint."""


def _where(stopped: str) -> str:
    if not stopped.startswith("it raised"):
        return ""
    return " ".join([_RAISES, *(hint for says, hint in _WHY_RAISED.items() if says in stopped)])


def _which(number: int) -> str:
    return f"further program {number}" if number else "your program"


def _told(what: str, numbers: str, number: int) -> str:
    """The numbers of a further program are a secret at grading: a class makes them as it likes."""
    return what if number and seeds.grading() else f"{what}: {numbers}"


def limits(text: str, end_kb: int, built: int, scanned: int, more_writes: int = 0) -> Program:
    """The program with these limits, and what it needs without a scheme."""
    plain = measured("unmap_only", text)
    return Program(text, end_kb, plain.end_kb, built, scanned, plain.writes + more_writes)
