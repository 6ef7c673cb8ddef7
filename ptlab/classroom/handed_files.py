"""What a folder that was handed in may hold: ordinary files, not too many. It is not opened to see that.

A link could lead to the solutions, to another student's work or to a file that never ends, and nbgrader
follows links.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

NOTES = "not_graded"
"""The folder beside `submitted` in which the reader notes why nbgrader gave up a notebook."""

MOST_FILES, MOST_MIB = 500, 25


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
            files, size = files + 1, size + status.st_size
            if files > MOST_FILES or size > MOST_MIB << 20:
                return f"has more than {MOST_FILES} files or {MOST_MIB} MiB"
    return ""
