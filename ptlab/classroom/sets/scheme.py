"""Set 5, write a scheme: a class of the student's, run in the engine and judged by what it does.

What is empty must go, at a price. The limits are not ours: they are what designs of the debate do on
the same program, so they move with the seed. The answer runs in the sandbox, on the student's program,
on further ones, and through the race scenes.
"""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from ptlab.classroom.code import Code, code
from ptlab.classroom.question import Question, Wrong, refused
from ptlab.classroom.report import Finding
from ptlab.classroom.sandbox import Stopped, judged
from ptlab.classroom.sets import scheme_answers as answers
from ptlab.classroom.trial import Run, Trial, measured

SCENES = ("put-locked", "pmd-same", "walker-rcu", "slow-path", "try-get-rcu", "stale-tlb")
"""The races that freeing a PTE page can lose. Each is searched in full in a fraction of a second."""


@dataclass(frozen=True)
class Program:
    """A program in the scenario language, and the most that a scheme may need in it.

    end_kb   VmPTE when the program is done
    kept_kb  VmPTE then under a scheme that frees nothing
    built    tables built in all
    scanned  entries read in search of one that is not none
    writes   how often mmap_lock is taken for write without a scheme
    """

    text: str
    end_kb: int
    kept_kb: int
    built: int
    scanned: int
    writes: int

    def excess(self, run: Run) -> Iterator[str]:
        """What of the cost goes beyond its limit."""
        if run.built > self.built:
            yield f"builds {run.built} tables, and {self.built} are the limit"
        if run.scanned > self.scanned:
            yield f"scans {run.scanned} entries, and {self.scanned} are the limit"
        if run.writes > self.writes:
            yield f"takes mmap_lock for write {run.writes - self.writes} times more than it needs"


class SchemeQuestion(Question[Program]):
    """The answer is a subclass of ReclaimScheme. Its points: it is safe, it frees, it costs little."""

    points = 6
    minutes = 40
    further = 3
    task: ClassVar[str]
    at_once: ClassVar[bool] = True
    """Whether VmPTE counts as it is when the program ends, or after `background`."""
    no_peeking: ClassVar[bool] = False
    """Whether the scheme may not read the simulator's own count of entries."""
    solution: ClassVar[str]
    mistakes: ClassVar[tuple[Wrong, ...]]

    @abstractmethod
    def program(self, rng: Random) -> Iterator[str]:
        """The lines of a program."""

    @abstractmethod
    def limits(self, text: str) -> Program:
        """The program with what designs of the debate need in it."""

    def pose(self, rng: Random) -> Program:
        """A program and its limits."""
        return self.limits("\n".join(self.program(rng)))

    def text(self, problem: Program) -> str:
        """The task, the program and its limits."""
        when = "when the program ends" if self.at_once else "after `background`"
        return (
            f"{self.task}\n\nThis is your program:\n\n```text\n{problem.text}\n```\n\n"
            f"Without a scheme it ends with {problem.kept_kb} kB of tables. Your limits:\n\n"
            f"* VmPTE {when}: **{problem.end_kb} kB**\n"
            f"* tables built in all: **{problem.built}**\n"
            f"* entries scanned in all: **{problem.scanned}**\n"
            "* `mmap_lock` for write: no more often than without a scheme\n\n"
            f"Two points if nothing breaks, alone and in {len(SCENES)} races; two for VmPTE; two for "
            "the cost. A scheme that frees nothing gets none. It is run on "
            f"{self.further} further programs of this kind, each with its own limits.\n\n"
            "Derive the class from `ReclaimScheme` itself, and keep all that it needs in one cell. "
            "It runs at grain `table`: `tables` is always one PTE page."
        )

    def solve(self, problem: Program) -> Code:
        """A class that is within every limit; there are many."""
        return answers.as_code(self.solution)

    def why(self, problem: Program) -> str:
        """The class. Its comments give the reasons."""
        return f"One of many:\n\n```python\n{self.solution}```"

    def wrong(self, problem: Program) -> list[Wrong]:
        """Classes with one mistake each."""
        return list(self.mistakes)

    def grade(
        self, problem: Program, answer: object, further: Sequence[Program] = ()
    ) -> list[Finding]:
        """Run it in the sandbox, then look at its numbers."""
        programs = [problem, *further]
        try:
            told = judged(answer, "ptlab.classroom.trial:trial", [p.text for p in programs], SCENES)
        except Stopped as stopped:
            return refused(str(stopped), self.points)
        found = Trial.of(told)
        if found.objection:
            return refused(found.objection, self.points)
        runs = list(zip(programs, found.runs, strict=True))
        broken = next((run.broken for _, run in runs if run.broken), "")
        if broken:
            return [
                Finding(False, f"it breaks the page tables: {broken}", 2, _STEP, "breaks-tables"),
                Finding(False, "its memory and its cost are judged when nothing breaks", 4),
            ]
        if all(self._end_kb(run) >= program.kept_kb for program, run in runs):
            says = "it frees no PTE page that would stay without it: there is nothing to judge"
            return [Finding(False, says, self.points, _MEASURE, "frees-nothing")]
        return [
            Finding(True, "every table and counter is right after each operation", 1),
            self._races(found),
            self._memory(runs),
            self._cost(runs, answer),
        ]

    def _end_kb(self, run: Run) -> int:
        return run.now_kb if self.at_once else run.end_kb

    def _races(self, found: Trial) -> Finding:
        if not found.races:
            return Finding(True, f"it wins {len(SCENES)} races in every schedule", 1)
        scene, schedule, verdict = found.races[0]
        says = (
            f"it loses {len(found.races)} of {len(SCENES)} races. The first is {scene}: {verdict}"
        )
        where = (
            f"scene = ptlab.scenes.find({scene!r}); scene.story({schedule!r}, scene.under(answer)) "
            "shows it"
        )
        return Finding(False, says, 1, where, "loses-a-race")

    def _memory(self, runs: list[tuple[Program, Run]]) -> Finding:
        for number, (program, run) in enumerate(runs):
            if self._end_kb(run) > program.end_kb:
                says = (
                    f"{_which(number)} ends with {self._end_kb(run)} kB of tables, "
                    f"and {program.end_kb} are the limit"
                )
                return Finding(False, says, 2, _MEASURE, "leaves-tables")
        return Finding(True, "VmPTE is within its limit", 2)

    def _cost(self, runs: list[tuple[Program, Run]], answer: object) -> Finding:
        for number, (program, run) in enumerate(runs):
            if self._end_kb(run) > program.end_kb:
                return Finding(False, "its cost is judged when VmPTE is within its limit", 2)
            for excess in program.excess(run):
                return Finding(False, f"in {_which(number)} it {excess}", 2, _MEASURE, "costs-much")
        peek = _peek(answer) if self.no_peeking else ""
        if peek:
            says = f"it reads {peek}: Linux has no such number, so count yourself"
            return Finding(False, says, 2, misconception="peeks")
        return Finding(True, "it costs no more than it may", 2)


_STEP = (
    "Make a Process(answer, grain='table'), do the same operations, and call check() after each."
)
_MEASURE = "run(answer, task.problem.text) shows your numbers."


def _which(number: int) -> str:
    return f"further program {number}" if number else "your program"


def _peek(answer: object) -> str:
    """Where the cell reads what the simulator knows and a kernel does not."""
    for node in ast.walk(ast.parse(code(answer).text)):
        if isinstance(node, ast.Attribute) and node.attr in ("nonnone", "entries"):
            return f"{ast.unparse(node)[:60]} in line {node.lineno} of the cell"
    return ""


def _limits(text: str, end_kb: int, built: int, scanned: int) -> Program:
    plain = measured("unmap_only", text)
    return Program(text, end_kb, plain.end_kb, built, scanned, plain.writes)


class InPieces(SchemeQuestion):
    """Free what several calls have emptied together."""

    name = "scheme-1"
    title = "free what is empty, however it became so"
    goal = "write a scheme: find the point at which it acts, take the locks, unhook, flush, free"
    hints = (
        "`pt_reclaim`, which Linux has, trusts a call that covers the whole table. Here no call "
        "does. At which point of `ReclaimScheme` is a zap done with a table?",
        "`zapped(self, mm, tables, walk, why, tlb)`; `unhook_if_empty` in `ptlab.schemes.empty` takes "
        "both locks, looks, and unhooks. Which `why` is yours?",
        "The class `SecondLook` in `docs/own_scheme.md` does nearly that. Yours needs no memory; "
        "what `unhook_if_empty` returns goes to `tlb.free_tables`.",
    )
    task = (
        "A program gives its memory back in pieces. No single call covers a whole table, so Linux "
        "keeps the tables today. **Write a scheme that frees a PTE page as soon as a `MADV_DONTNEED` "
        "leaves it empty**, whoever emptied the rest. Others fault and walk meanwhile."
    )
    solution = answers.IN_PIECES
    mistakes = answers.IN_PIECES_WRONG

    def program(self, rng: Random) -> Iterator[str]:
        """Four tables are filled and dropped in two or three pieces each; one keeps a page."""
        yield "mmap s0 8M"
        kept = rng.randrange(4)
        for table in range(4):
            yield f"touch w s0+{table * 2}M 2M"
        for table in rng.sample(range(4), 4):
            cuts = sorted(rng.sample(range(1, 16), rng.choice((1, 2))))
            pieces = list(zip([0, *cuts], [*cuts, 16], strict=True))
            rng.shuffle(pieces)
            for first, last in pieces:
                short = 4 if table == kept and (first, last) == pieces[-1] else 0
                length = (last - first) * 128 - short
                yield f"madvise DONTNEED s0+{table * 2048 + first * 128}K {length}K"

    def limits(self, text: str) -> Program:
        """What write_scan does, which locks everybody out for it."""
        found = measured("write_scan", text)
        return _limits(text, found.now_kb, found.built, found.scanned)


class Counted(SchemeQuestion):
    """Know that a table is empty without reading it each time."""

    name = "scheme-2"
    title = "do not scan for what you can count"
    no_peeking = True
    goal = "keep a count that is right after each change, and scan only to be sure"
    hints = (
        "A scan after each call reads the same none entries again and again. At which point does a "
        "scheme hear of every entry that comes or goes?",
        "`entries_changed(self, mm, tables, delta, zero)`, under the PTE lock. `delta` is below 0 when "
        "entries go. Entries of the zero page are entries too.",
        'Keep `self.count = defaultdict(int)`, change it with `mm.machine.store.add(self, "count", '
        "table, delta)`, and call `unhook_if_empty` only where it says 0.",
    )
    task = (
        "The program drops each table in many small steps. A scan after every step reads the same "
        "entries over and over. **Write a scheme that frees each table when it becomes empty and scans "
        "only the tables that it frees**. The simulator's own count (`mem.nonnone`) is not for schemes: "
        "Linux has no such number. The count of 2021 was one answer to that; what is yours?"
    )
    solution = answers.COUNTED
    mistakes = answers.COUNTED_WRONG

    def program(self, rng: Random) -> Iterator[str]:
        """Three tables, written or read, dropped from front to back in six to eight steps."""
        yield "mmap s0 6M"
        read = rng.randrange(3)
        for table in range(3):
            yield f"touch {'r' if table == read else 'w'} s0+{table * 2}M 2M"
        for table in rng.sample(range(3), 3):
            cuts = sorted(rng.sample(range(1, 16), rng.choice((5, 6, 7))))
            for first, last in zip([0, *cuts], [*cuts, 16], strict=True):
                yield f"madvise DONTNEED s0+{table * 2048 + first * 128}K {(last - first) * 128}K"

    def limits(self, text: str) -> Program:
        """As much memory as write_scan, but 512 entries for each table that it frees."""
        found = measured("write_scan", text)
        return _limits(text, found.now_kb, found.built, 512 * found.freed)


class Later(SchemeQuestion):
    """Do not free what is needed again at once, and still free in the end."""

    name = "scheme-3"
    title = "not too early, not never"
    minutes = 50
    at_once = False
    goal = "weigh memory against the work of building tables again"
    hints = (
        "A table that is filled, dropped and filled again is freed and built each time. What if the "
        "scheme only remembers, in `zapped`, and frees when time has passed?",
        "`background(self, mm)` is that time. There is no `tlb` there: after `unhook_if_empty` "
        '`yield from mm.machine.flush("flush_tlb_range", gone, 0, 1)` and '
        "`yield mm.machine.call_rcu(gone)`, with `mmap_lock` held for read.",
        "A table that you remember may be gone: `munmap` took it. `mm.machine.mem.hooked(table)` says "
        "whether it still hangs in the tree.",
    )
    task = (
        "An allocator fills the same 2 MiB, drops them, fills them again. Freeing at once means to "
        "build the table at every turn. Never freeing means 4 kB for each area not used again. "
        "**Write a scheme that lets a table rest for a while and frees it if it is still empty then.** "
        "When the program is done, time passes: `background` is called once, and then VmPTE is read."
    )
    solution = answers.LATER
    mistakes = answers.LATER_WRONG

    def program(self, rng: Random) -> Iterator[str]:
        """One hot table, some cold ones, and an area that goes with munmap."""
        cold = rng.randint(4, 6)
        yield f"mmap s0 {2 * cold + 2}M"
        yield "mmap s1 2M"
        gone = rng.randrange(1, cold)
        for table in range(cold):
            for _ in range(rng.randint(1, 3)):
                yield "touch w s0 2M"
                yield "madvise DONTNEED s0 2M"
            pages = 4 * rng.randrange(1, 512)
            yield f"touch w s0+{2 * table + 2}M {pages}K"
            yield f"madvise DONTNEED s0+{2 * table + 2}M 2M"
            if table == gone:
                yield "touch w s1 2M"
                yield "madvise DONTNEED s1 2M"
                yield "munmap s1 2M"

    def limits(self, text: str) -> Program:
        """Tables as unmap_only builds them, memory as mapped_count has it, and two more for one scan."""
        counted, plain = measured("mapped_count", text), measured("unmap_only", text)
        visits = sum(line.startswith("madvise") for line in text.splitlines())
        return _limits(text, counted.end_kb + 8, plain.built, 512 * (visits + plain.built))


QUESTIONS: tuple[Question[Any], ...] = (InPieces(), Counted(), Later())
