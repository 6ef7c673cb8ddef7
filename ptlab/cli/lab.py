"""`ptlab lab`: the course and its exercises in JupyterLab."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines

FIRST = "00_start_here.ipynb"

_PACKAGE = Path(__file__).parents[1]

_EPILOG = """\
In a checkout the notebooks are the checkout's own. From an installed package they are copied to
./ptlab-notebooks first, with the exercises in ./ptlab-notebooks/exercises. A notebook that is already
there is left as it is, so your work is kept.

examples:
  ptlab lab
  ptlab lab --no-browser --port 9999    other options go to JupyterLab"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "lab",
        usage="ptlab lab [-h] [options of jupyter lab]",
        description="Open the first notebook of the course in JupyterLab.",
        epilog=_EPILOG,
        formatter_class=Lines,
    )
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Run JupyterLab until it ends. BadInput if it is not installed."""
    # Imported here, because this takes longer than the other commands run. In this process, and
    # not below it, so that Ctrl-C reaches JupyterLab alone and it can ask and end its kernels.
    try:
        from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise BadInput(
            f"no JupyterLab ({error}): install it with pip install 'ptlab[lab]'"
        ) from error
    first = notebooks(_PACKAGE, Path.cwd()) / FIRST
    LabApp.launch_instance([str(first), *args.jupyter_args])
    return 0


def notebooks(package: Path, here: Path) -> Path:
    """The folder of the notebooks: the checkout's own, or a copy of the packaged ones in `here`."""
    of_checkout = package.parent / "notebooks"
    if (of_checkout / FIRST).is_file():
        return of_checkout
    packaged = package / "_notebooks"
    if not (packaged / FIRST).is_file():
        raise BadInput(f"no notebooks in {of_checkout} or {packaged}: please install ptlab again")
    copy = here / "ptlab-notebooks"
    try:
        for notebook in packaged.rglob("*.ipynb"):
            target = copy / notebook.relative_to(packaged)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                shutil.copy(notebook, target)
    except OSError as error:
        raise BadInput(f"cannot copy the notebooks to {copy}: {error.strerror}") from error
    return copy
