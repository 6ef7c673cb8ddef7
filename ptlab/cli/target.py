"""The files that a command will write: checked first, so that no work is lost."""

from __future__ import annotations

import os
from pathlib import Path

from ptlab.cli.bad_input import BadInput


def check_target(option: str, path: Path) -> None:
    """BadInput, naming the option, unless a file can be written at `path`. Nothing is created."""
    reason = None
    if path.is_dir():
        reason = "is a folder: give the name of a file"
    elif not path.parent.is_dir():
        reason = f"cannot be written: there is no folder {path.parent}"
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        reason = "cannot be written: permission denied"
    if reason:
        raise BadInput(f"{option}: {path} {reason}")
