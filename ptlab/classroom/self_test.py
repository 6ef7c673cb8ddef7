"""Before a class is graded: an honest answer of each kind goes through the box, and has to come back.

Whatever is wrong with this machine for one submission is wrong for all of them. So it is found here,
before the first one, and nothing is begun.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from nbformat.v4 import new_code_cell, new_notebook

from ptlab.classroom import sandbox
from ptlab.classroom.box import way
from ptlab.classroom.box_process import Stopped
from ptlab.classroom.grader_fault import GraderFault
from ptlab.classroom.handed_in import MIME as HANDED_IN
from ptlab.classroom.notebook_run import run_notebook
from ptlab.classroom.scheme_judge import run
from ptlab.classroom.solution import instructors, instructors_part
from ptlab.classroom.student_code import Code
from ptlab.classroom.wire_format import unpack

_FUNCTION = Code("function", "double", "def double(x):\n    return 2 * x\n")
_CLASS = Code(
    "class",
    "Frees",
    """\
from ptlab import ReclaimScheme
from ptlab.schemes.empty_tables import unhook_if_empty


class Frees(ReclaimScheme):
    name, fate, source = "frees", "a test", "the grader"

    def zapped(self, mm, tables, walk, why, tlb):
        gone = yield from unhook_if_empty(mm, tables, "frees", "pte_offset_map_lock")
        if gone is not None and why == "madvise":
            tlb.free_tables(gone)
""",
)
_PROGRAM = "mmap s0 2M\ntouch w s0 8K\nmadvise DONTNEED s0 2M"
_CELLS = (
    "answer = sum(range(10))",
    "from ptlab.classroom.handed_in import HandedIn\nHandedIn('a test', answer)",
)


def try_this_machine(hide: Sequence[Path]) -> None:
    """Nothing, if all is well. SystemExit says what is not, and that nothing was graded.

    hide  what a notebook may not see, as it is hidden when the class is graded
    """
    if why := _solutions():
        raise SystemExit(f"Nothing was graded, because {why}")
    try:
        _function()
        _scheme()
        _notebook(hide)
    except GraderFault as fault:
        raise SystemExit(
            f"Nothing was graded, because this machine fails with an honest answer: {fault}"
        ) from None


def _solutions() -> str:
    """Why they are not as they have to be: here for the grader, and for nobody in the box."""
    if instructors() is None:
        return (
            "this ptlab has no solutions: what students install leaves them out. Install the "
            "instructor's ptlab from a checkout: pip install -e '.[teach]'"
        )
    alone = way().namespaces or not way().user  # it is hidden; or the box runs as the grader
    seen = [str(path) for path in instructors_part() if path.stat().st_mode & 0o077]
    if not alone and seen:
        return f"a submission could read what the solutions are in: chmod 700 {' '.join(seen)}"
    return ""


def _function() -> None:
    try:
        found = sandbox.values(_FUNCTION, [(21,)])
    except Stopped as stopped:
        raise GraderFault(f"a function was stopped: {stopped}") from None
    if found != [42]:
        raise GraderFault(f"a function that gives 42 gave {found}")


def _scheme() -> None:
    try:
        with sandbox.scheme(_CLASS) as design:
            found = run(design, _PROGRAM)
    except Stopped as stopped:
        raise GraderFault(f"a class was stopped: {stopped}") from None
    if found.freed != 1 or found.broken:
        raise GraderFault(f"a class that frees one table came to {found}")


def _notebook(hide: Sequence[Path]) -> None:
    notebook = new_notebook(cells=list(map(new_code_cell, _CELLS)))  # type: ignore[no-untyped-call]
    with TemporaryDirectory(prefix=".self-test-", dir=Path.cwd()) as folder:
        ran = run_notebook(notebook, 60, Path(folder), hide, asked=[1])
    for output in ran.outputs.get(1, ()):
        handed = output.get("data", {}).get(HANDED_IN)
        if isinstance(handed, dict) and unpack(handed["answer"]) == 45:
            return
    raise GraderFault(f"a notebook that hands in 45 did not: {ran.why} {ran.outputs}"[:600])
