"""How nbgrader comes to a class's notebooks: what has to hold before an old grading is removed.

nbgrader makes its exporter before it looks at a submission, and with `--force` it then removes what was
graded before. So the secret is asked for here, this machine is tested, and a folder that must not be
touched is taken off nbgrader's list.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter

from ptlab.classroom.box import way
from ptlab.classroom.grading import HandIn
from ptlab.classroom.handed_files import unsafe, why_file
from ptlab.classroom.report import writable
from ptlab.classroom.self_test import try_this_machine


def _open_to_all(course: Path) -> bool:
    """Whether a notebook that runs as another user, without namespaces, can look into the course."""
    return way().user and not way().namespaces and bool(course.stat().st_mode & 0o005)


class Reader(NotebookExporter):
    """nbgrader's own exporter, with these questions. What it cannot read it notes the reason of."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        hand_in = HandIn(config=self.config)
        hand_in.secret()
        if hand_in.self_test:
            try_this_machine(hand_in.hidden())
        converter: Any = self.parent
        if _open_to_all(Path(converter.coursedir.root)):
            self.log.warning("Notebooks can read %s: chmod 700 %s", *[converter.coursedir.root] * 2)
        for folder in list(converter.assignments):
            if why := unsafe(Path(converter.coursedir.root, folder)):
                self.log.error("%s is not graded: %s", folder, why)
                del converter.assignments[folder]

    def from_filename(self, filename: str, *args: Any, **kwargs: Any) -> Any:
        """A notebook through all passes. If one gives it up, the reason is noted for `ptlab grade`."""
        noted = why_file(Path(filename))
        noted.unlink(missing_ok=True)
        try:
            return super().from_filename(filename, *args, **kwargs)
        except Exception as error:
            noted.parent.mkdir(parents=True, exist_ok=True)
            says = f"{type(error).__name__}: {error}"[:300]
            noted.write_text(writable(says), encoding="utf-8")
            raise
