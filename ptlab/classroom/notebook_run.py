"""A student's notebook is run in the box; what comes out of it is read here, a bounded part of it.

Nothing that comes is trusted: each output is made anew from what it may have, so that a notebook can
neither stop the grader nor put into a graded notebook what only the grader writes.
"""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ptlab.classroom import safe_html
from ptlab.classroom.box import started
from ptlab.classroom.box_process import NO_MEMORY, TOO_BUSY, Box, Stopped
from ptlab.classroom.box_ways import Limits
from ptlab.classroom.grader_fault import GraderFault
from ptlab.classroom.grader_process import nothing_left_behind
from ptlab.classroom.handed_in import MIME as HANDED_IN
from ptlab.classroom.report import writable

LIMITS = Limits(seconds=300, mib=2048, processes=128)
"""Of a notebook. Its seconds are by the clock alone, and each cell has its own."""

MOST = 4 << 20
"""Characters of output that are kept of a whole notebook, besides the answers."""

_WHY = {
    "dead": "the notebook's Python ended before this cell was done",
    "timeout": "a cell before this one did not end and could not be stopped: the rest was not run",
    "nested": "a cell gave out something too deeply nested to be kept: the rest was not run",
    "done": "this cell did not hand in an answer: an error, or a changed ptlab, came before it",
}
_SHOWN = ("text/plain", "text/html", "text/markdown", "image/png", "image/jpeg", HANDED_IN)
"""What a display may have. Scripts, widgets and reports are not among it."""


class Ran(NamedTuple):
    """What became of a notebook.

    outputs  of each code cell that was run, by its place
    why      the reason that a cell which was not done has no answer
    way      the way of shutting in (box.WAYS) that was in force
    left     names of processes that were still there at its end
    """

    outputs: dict[int, list[dict[str, Any]]]
    why: str
    way: str
    left: list[str]


def run_notebook(
    notebook: Any,
    timeout: int,
    folder: Path | None,
    hide: Sequence[Path],
    asked: Container[int] = (),
    limits: Limits = LIMITS,
) -> Ran:
    """Run all cells, each for `timeout` seconds at most. The cells `asked` may hand in an answer.

    GraderFault: its box or its kernel cannot be started, or this machine is out of memory or time.
    """
    outputs, left = dict[int, list[dict[str, Any]]](), MOST
    job = json.dumps({"notebook": notebook, "timeout": timeout})
    places = {k for k, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code"}
    command = ["-m", "ptlab.classroom.notebook_child"]
    with nothing_left_behind() as ended, started(command, limits, folder, hide) as box:
        box.send(job.encode() + b"\n")
        box.wait_until_ready()
        try:
            for _ in range(len(notebook["cells"]) + 1):
                heard = json.loads(box.receive())
                _blame(heard, box)
                if "ended" in heard:
                    why = _WHY[heard["ended"]]
                    break
                found = [plain for raw in heard["outputs"] if (plain := plain_output(raw))]
                answers = [one for one in found if HANDED_IN in one.get("data", {})]
                if heard["cell"] not in asked:  # there could be hundreds
                    found, answers = [one for one in found if one not in answers], []
                left -= len(json.dumps(found))
                if heard["cell"] in places and type(heard["cell"]) is int:
                    outputs[heard["cell"]] = found if left > 0 else answers
            else:
                why = _WHY["done"]
        except Stopped as stopped:
            why = f"the notebook was not run to its end: {stopped}"
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            why = "the notebook was not run to its end: its process did not answer as it should"
        box.finish()
        told = list(map(str, box.said().get("left", [])))
    return Ran(outputs, why, box.way.name, sorted({*told, *ended}))


def _blame(heard: dict[str, Any], box: Box) -> None:
    """GraderFault: time or memory ran out, and it was the machine's."""
    starved, end = box.look_at_clock(), heard.get("ended")
    if end == "dead" and box.out_of_memory():
        raise GraderFault(NO_MEMORY)
    names = [one.get("ename") for one in heard.get("outputs", ()) if one["output_type"] == "error"]
    if starved and (end == "timeout" or "CellTimeoutError" in names):
        raise GraderFault(TOO_BUSY)


def plain_output(raw: Any) -> dict[str, Any] | None:
    """An output with nothing in it but what nbformat knows; None if there is nothing of that in it."""
    kind = raw["output_type"]
    if kind == "stream":
        return {"output_type": kind, "name": _one_of(raw["name"]), "text": _text(raw["text"])}
    if kind == "error":
        lines = [_text(line) for line in raw["traceback"]]
        names = {name: _text(raw[name]) for name in ("ename", "evalue")}
        return {"output_type": kind, **names, "traceback": lines}
    if kind not in ("display_data", "execute_result"):
        return None
    data = {mime: _shown(mime, value) for mime, value in raw["data"].items() if mime in _SHOWN}
    count = {"execution_count": None} if kind == "execute_result" else {}
    return {"output_type": kind, "data": data, "metadata": {}, **count} if data else None


def _shown(mime: str, value: Any) -> Any:
    if mime == HANDED_IN:
        return value
    if mime.startswith("image/"):
        return safe_html.base64_alone(_text(value))
    safe = {"text/html": safe_html.html, "text/markdown": safe_html.markdown}.get(mime)
    return safe(_text(value)) if safe else _text(value)


def _one_of(name: str) -> str:
    return "stderr" if name == "stderr" else "stdout"


def _text(value: Any) -> str:
    """Text that a file can hold."""
    text = "".join(map(str, value)) if isinstance(value, list) else str(value)
    return writable(text)
