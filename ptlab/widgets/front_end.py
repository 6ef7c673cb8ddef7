"""Whether somebody shows widgets to a person, or a program only collects outputs."""

from __future__ import annotations

import os
import sys
from typing import Any


def in_notebook() -> bool:
    """Whether this runs in a kernel, whose outputs somebody else shows."""
    return _kernel() is not None


def runs_widgets() -> bool:
    """False if a notebook is executed without a front end, as `nbconvert --execute` does.

    A front end says which cell it runs, in the metadata of its request; a program that only collects
    outputs says nothing. Voila executes like such a program, but then shows the widgets.
    """
    kernel = _kernel()
    if kernel is None or os.environ.get("SERVER_SOFTWARE", "").startswith("voila"):
        return True
    if sys.platform == "emscripten":  # the kernel of a JupyterLite, which runs beside its front end
        return True
    parent = kernel.get_parent("shell")
    return parent.get("header", {}).get("msg_type") != "execute_request" or bool(parent["metadata"])


def _kernel() -> Any:
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return getattr(get_ipython(), "kernel", None)
