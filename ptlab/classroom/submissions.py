"""What a class has handed in: the reports that grading left, and the files that have none, with why.

Reports are in `autograded/STUDENT/SET/*.ipynb`, and only what nbgrader could grade is there. So
everything in `submitted/` is looked at as well: nobody's work may be missing without a word.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ptlab.classroom import seeds
from ptlab.classroom.gradebook import Run
from ptlab.classroom.handed_files import unsafe, why_file
from ptlab.classroom.report import MIME, VERSION, writable

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")


class Graded(NamedTuple):
    """One student's report on one question. `minutes` is what the student wrote, or None."""

    student: str
    problem_set: str
    question: str
    score: float
    points: float
    minutes: float | None
    ideas: tuple[str, ...]
    """Short names of the mistaken ideas behind what was wrong."""


class NotGraded(NamedTuple):
    """A file that was handed in and has no report. `problem_set` is "" if it lies in none."""

    student: str
    problem_set: str
    file: str
    why: str


class _Unreadable(Exception):
    """Not a notebook; the message is for a teacher."""


def collect(folder: Path) -> tuple[list[Graded], list[NotGraded], list[Run]]:
    """All reports, by student, all that has none, and the runs. `folder` is the course's."""
    graded, without, runs = list[Graded](), list[NotGraded](), list[Run]()
    done = set[tuple[str, str, str]]()
    for path in sorted(folder.glob("autograded/*/*/*.ipynb")):
        student, problem_set, file = path.parts[-3:]
        done.add((student, problem_set, file))
        try:
            reports = dict(_reports(_read(path)["cells"]))
        except _Unreadable as error:
            without.append(NotGraded(student, problem_set, file, f"its grading {error}"))
            continue
        ours = [report for report in reports.values() if "student" in report]
        if reports and not ours:
            without.append(NotGraded(student, problem_set, file, _PLAIN))
        elif any(report.get("version") != VERSION for report in ours):
            without.append(NotGraded(student, problem_set, file, _OTHER_VERSION))
            continue
        graded += [_graded(student, problem_set, report) for report in ours]
        if ours:
            runs.append(_run(student, problem_set, file, reports))
    without += _left_out(folder, done)
    return graded, sorted(NotGraded(*map(writable, one)) for one in without), runs


def _left_out(folder: Path, done: set[tuple[str, str, str]]) -> Iterator[NotGraded]:
    """What is in `submitted` and not among `done`: (student, set, file)."""
    sets = _wanted(folder)
    begun = {problem_set for _, problem_set, _ in done}
    for student in _inside(folder / "submitted"):
        if not student.is_dir():
            yield NotGraded("", "", student.name, _FOLDER)
            continue
        for place in _inside(student):
            if not place.is_dir():
                if place.suffix in (".ipynb", *_ARCHIVES):
                    where = f"submitted/{student.name}/SET/"
                    why = f"lies in no problem set's folder; expected in {where}"
                    yield NotGraded(student.name, "", place.name, why)
            elif sets and place.name not in sets:
                why = f"no problem set of this name; expected {', '.join(sorted(sets))}"
                yield NotGraded(student.name, place.name, "", why)
            elif why := unsafe(place):
                yield NotGraded(student.name, place.name, "", why)
            else:
                wanted = sets.get(place.name, [])
                graded = {file for *of, file in done if of == [student.name, place.name]}
                for file, why in _in_set(place, wanted, graded, place.name in begun):
                    yield NotGraded(student.name, place.name, file, why)


def _in_set(
    place: Path, wanted: list[str], graded: set[str], begun: bool
) -> Iterator[tuple[str, str]]:
    """The files of one student's folder for one set that have no report, with why."""
    expected = f"expected {', '.join(wanted)}" if wanted else "expected a notebook"
    found = {
        str(path.relative_to(place)): path
        for path in sorted(place.rglob("*"))
        if path.suffix in (".ipynb", *_ARCHIVES)
        and not any(part.startswith(".") for part in path.relative_to(place).parts)
    }
    if not found:
        yield "", f"no notebook in the folder; {expected}"
    for file, path in found.items():
        if file in graded:
            continue
        if path.suffix in _ARCHIVES:
            yield file, f"an archive: unpack it; {expected}"
        elif file not in (wanted or [path.name]):
            if any(name in found for name in wanted):
                yield file, f"was not looked at: {' and '.join(wanted)} beside it counts"
            elif path.name in (wanted or [path.name]):
                yield file, f"lies too deep; {expected} in {place.name} itself"
            else:
                yield file, f"no notebook of this name in the problem set; {expected}"
        else:
            yield file, _fault(path, begun)


def _fault(path: Path, begun: bool) -> str:
    """Why a notebook that has the right name has no report. `begun`: others of its set have."""
    noted = why_file(path)
    if noted.is_file():
        return f"not graded: {noted.read_text(encoding='utf-8')}"
    try:
        notebook = _read(path)
    except _Unreadable as error:
        return str(error)
    if not any(_nbgrader(cell).get("grade_id") for cell in notebook["cells"]):
        return (
            "none of the set's cells is in it: it was not made from the released notebook, or they "
            "were all deleted"
        )
    metadata = notebook.get("metadata")
    if other := seeds.other_version(metadata if isinstance(metadata, dict) else {}):
        return other
    command = f"nbgrader autograde {path.parent.name}"
    return f"not graded; {command} says why" if begun else f"not graded yet; run {command}"


def _read(path: Path) -> dict[str, Any]:
    """A notebook that has cells; _Unreadable says why this is none."""
    try:
        text = path.read_bytes().decode("utf-8")
        if not text.strip():
            raise _Unreadable("could not be read: the file is empty")
        notebook: dict[str, Any] = json.loads(text)
        if not all(isinstance(cell, dict) for cell in notebook["cells"]):
            raise TypeError
    except OSError as error:
        raise _Unreadable(f"could not be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _Unreadable("could not be read: it is not text") from None
    except json.JSONDecodeError as error:
        where = f"broken off or damaged at line {error.lineno} of {text.count(chr(10)) + 1}"
        raise _Unreadable(f"could not be read: {where}") from None
    except (KeyError, TypeError, RecursionError):
        raise _Unreadable(
            "could not be read: it is not a notebook, because it has no cells"
        ) from None
    return notebook


def _nbgrader(cell: dict[str, Any]) -> dict[str, Any]:
    """What nbgrader has noted about a cell; {} if that is nothing, or anything else."""
    metadata = cell.get("metadata")
    noted = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return noted if isinstance(noted, dict) else {}


def _reports(cells: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The reports of check cells, by grade id; another cell's output may be what a student likes."""
    for cell in cells:
        for output in cell.get("outputs", ()) if _nbgrader(cell).get("grade") else ():
            report = output.get("data", {}).get(MIME)
            if report:
                yield str(_nbgrader(cell).get("grade_id")), report


def _run(student: str, problem_set: str, file: str, reports: dict[str, dict[str, Any]]) -> Run:
    scores = tuple((cell, report["score"]) for cell, report in reports.items())
    about = next(iter(reports.values()))
    left = tuple(map(str, about.get("left", ())))
    return Run(
        student, problem_set, file, scores, about.get("way", ""), left, about.get("secret", "")
    )


def _graded(student: str, problem_set: str, report: dict[str, Any]) -> Graded:
    found = report["findings"]
    ideas = (f["misconception"] for f in found if not f["ok"] and f["misconception"])
    return Graded(
        student,
        problem_set,
        report["question"],
        report["score"],
        report["points"],
        report["minutes"],
        tuple(dict.fromkeys(ideas)),
    )


def _wanted(folder: Path) -> dict[str, list[str]]:
    """The notebooks of each problem set, from `source` or else `release`; {} if neither is there."""
    sets = defaultdict[str, list[str]](list)
    for kind in ("source", "release"):
        for path in sorted(folder.glob(f"{kind}/*/*.ipynb")):
            sets[path.parent.name].append(path.name)
        if sets:
            break
    return dict(sets)


def _inside(folder: Path) -> list[Path]:
    """What is in a folder, by name, without hidden files; [] if there is none."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


_PLAIN = (
    "was graded in the student's own kernel, without nbgrader_config.py of the exercises; grade it "
    "again with it and --force"
)
_OTHER_VERSION = "was graded by another version of ptlab; grade it again with this one and --force"
_FOLDER = "lies in no student's folder; expected in submitted/NAME/SET/"
