"""How nbgrader comes to a class's notebooks: what has to hold before an old grading is removed.

nbgrader makes its exporter before it looks at a submission, and with `--force` it then removes what was
graded before. So the secret is asked for here, and a folder that must not be touched is taken off
nbgrader's list.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter

from ptlab.classroom.grading import HandIn
from ptlab.classroom.handed_files import unsafe


class Reader(NotebookExporter):
    """nbgrader's own exporter, with the two questions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        HandIn(config=self.config).secret()
        converter: Any = self.parent
        for folder in list(converter.assignments):
            if why := unsafe(Path(converter.coursedir.root, folder)):
                self.log.error("%s is not graded: %s", folder, why)
                del converter.assignments[folder]
