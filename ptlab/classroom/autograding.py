"""Grading a whole class: `nbgrader autograde` for every set, in several processes at once.

What is graded already is left alone, so a run that was stopped goes on where it was. nbgrader and its
configuration do the grading; here is only who is graded where, and what a teacher hears of it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter
from typing import NamedTuple

from ptlab.classroom.gradebook import NAME

BATCH = 8
"""Most submissions in one process: nbgrader takes two seconds to begin."""

_LEVEL = re.compile(r"^\[\w+ \| (ERROR|WARNING|CRITICAL)\] (.*)")
_ROUTINE_LINE = re.compile(r"^\[\w+ \| INFO\]")
_ROUTINE = (
    "Traceback (most",
    "There was an error processing assignment '",
    "Please see the the above",
)
"""How lines begin that say nothing, or say again at the end what was said before."""


class Work(NamedTuple):
    """What one student handed in for one set."""

    problem_set: str
    student: str


class Done(NamedTuple):
    """A submission that nbgrader has been through.

    graded  whether there is a graded notebook now
    said    nbgrader's warnings and errors about it, without those that say nothing
    """

    work: Work
    seconds: float
    graded: bool
    said: tuple[str, ...]


def pending(folder: Path) -> list[Work]:
    """What is handed in for a set of this course and not graded, set by set."""
    sets = sorted(path.name for path in (folder / "source").glob("*/") if path.name[0] != ".")
    students = sorted(path.name for path in (folder / "submitted").glob("*/"))
    return [
        Work(problem_set, student)
        for problem_set in sets
        for student in students
        if (folder / "submitted" / student / problem_set).is_dir()
        and not (folder / "autograded" / student / problem_set).is_dir()
    ]


def autograde(
    folder: Path, works: list[Work], jobs: int, typed: str | None = None
) -> Iterator[Done]:
    """Grade them, `jobs` processes at once; each as soon as it is done, in any order.

    typed  the secret, if it is in no file: every process gets it by a pipe
    """
    most = min(BATCH, -(-len(works) // jobs))
    if any("," in path.name for path in (folder / "submitted").iterdir()):
        most = 1  # nbgrader takes the names to leave out as one text with commas
    batches = list(_batches(works, most))
    if not (folder / NAME).exists():  # one process alone makes the gradebook
        for batch in batches[:1]:
            yield from _run(folder, batch, typed)
        batches = batches[1:]
    told: SimpleQueue[Done | None] = SimpleQueue()

    def work(batch: list[Work]) -> None:
        try:
            for done in _run(folder, batch, typed):
                told.put(done)
        finally:
            told.put(None)

    with ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(work, batch) for batch in batches]
        left = len(batches)
        while left:
            done = told.get()
            if done is None:
                left -= 1
            else:
                yield done
        for one in running:
            one.result()


def _batches(works: Iterable[Work], most: int) -> Iterator[list[Work]]:
    """Of one set each."""
    batch: list[Work] = []
    for work in works:
        if batch and (len(batch) == most or batch[0].problem_set != work.problem_set):
            yield batch
            batch = []
        batch.append(work)
    if batch:
        yield batch


def _command(folder: Path, batch: list[Work]) -> list[str]:
    command = [sys.executable, "-m", "nbgrader", "autograde", batch[0].problem_set]
    command.append("--HandIn.self_test=False")  # it was done, once for all
    if len(batch) == 1:
        return [*command, f"--student={batch[0].student}"]
    ours = {work.student for work in batch}
    others = sorted(p.name for p in (folder / "submitted").iterdir() if p.name not in ours)
    return [*command, f"--CourseDirectory.student_id_exclude={','.join(others)}"]


def _run(folder: Path, batch: list[Work], typed: str | None) -> Iterator[Done]:
    """One process; whose turn it is shows in the paths that it logs."""
    whose = {work.student: work for work in batch}
    path = re.compile(rf"[/\\]([^/\\]+)[/\\]{re.escape(batch[0].problem_set)}(?!\w)")
    current, said, began = None, list[str](), perf_counter()
    with subprocess.Popen(
        _command(folder, batch),
        cwd=folder,
        stdin=subprocess.DEVNULL if typed is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        if process.stdin is not None:
            process.stdin.write(f"{typed}\n")
            process.stdin.close()
        for line in process.stdout:
            # Of other lines a student may have written a part.
            found = path.findall(line) if _ROUTINE_LINE.match(line) else []
            named = next((whose[n] for n in found if n in whose), None)
            if named and named != current:
                if current:
                    yield _done(folder, whose.pop(current.student), began, said)
                current, said, began = named, [], perf_counter()
            level = _LEVEL.match(line)
            if level and not level[2].startswith(_ROUTINE):
                said.append(f"{level[1].lower()}: {level[2]}")
    for work in whose.values():
        yield _done(folder, work, began, said)


def _done(folder: Path, work: Work, began: float, said: list[str]) -> Done:
    graded = any((folder / "autograded" / work.student / work.problem_set).glob("*.ipynb"))
    return Done(work, perf_counter() - began, graded, tuple(dict.fromkeys(said)))
