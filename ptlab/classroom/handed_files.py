"""What a folder that was handed in may hold: ordinary files, not too many. Only its time is read.

A link could lead to the solutions, to another student's work or to a file that never ends, and nbgrader
follows links.
"""

from __future__ import annotations

import os
import re
import stat
from datetime import datetime
from pathlib import Path

NOTES = "not_graded"
"""The folder beside `submitted` in which the reader notes why nbgrader gave up a notebook."""

MOST_FILES, MOST_MIB = 500, 25
TIME, NO_TIME = "timestamp.txt", "has no time in it, such as 2026-11-27 17:00:00 UTC"
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(?: ?[\w/+-]+(?::\d\d)?)?\s*"
)


def why_file(notebook: Path) -> Path:
    """Where it is noted, for submitted/NAME/SET/FILE.ipynb or the same in autograded."""
    path = notebook.absolute()
    return path.parents[3].joinpath(NOTES, *path.parts[-3:]).with_suffix(".txt")


def unsafe(folder: Path) -> str:
    """Why nothing in `folder` (submitted/NAME/SET) is touched; "" if there is no reason."""
    for above in (folder.parent, folder):
        if above.is_symlink():
            return (
                f"{above.name} is a link, and links are not followed: hand in the files themselves"
            )
    files = size = 0
    for place, folders, names in os.walk(folder):
        for name in sorted(folders + names):
            path = Path(place, name)
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                return f"{name} is a link, and links are not followed: hand in the file itself"
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                return f"{name} is no ordinary file"
            if path == folder / TIME and not _has_time(path):
                return f"{TIME} {NO_TIME}"
            files, size = files + 1, size + status.st_size
            if files > MOST_FILES or size > MOST_MIB << 20:
                return f"has more than {MOST_FILES} files or {MOST_MIB} MiB"
    return ""


def _has_time(path: Path) -> bool:
    """nbgrader gives up whoever has another one, without saying why."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        text = file.read(101)
    found = _TIME.fullmatch(text.decode("ascii", "replace")) if len(text) <= 100 else None
    try:
        return found is not None and bool(datetime.fromisoformat(found[1]))
    except ValueError:
        return False
