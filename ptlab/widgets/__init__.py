"""What a notebook shows: the stepper, the race scheduler, the comparison panel, questions.

Each is a Python file that holds the state of the widget, and an ES module that draws it. export
writes the same thing as one page of HTML that needs neither Python nor a network.

The one idea: a widget plays a payload, a dict of plain data that was laid out once. A step in the
browser never waits for Python.

It imports no other part of ptlab: a payload is all that it knows.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ptlab.widgets.export import export_html, export_race
    from ptlab.widgets.outputs import display_in_notebook
    from ptlab.widgets.scheduler import RaceScheduler
    from ptlab.widgets.stepper import Stepper

__all__ = [
    "RaceScheduler",
    "Stepper",
    "display_in_notebook",
    "export_html",
    "export_race",
]

_IN = {
    "RaceScheduler": "scheduler",
    "Stepper": "stepper",
    "display_in_notebook": "outputs",
    "export_html": "export",
    "export_race": "export",
}


def __getattr__(name: str) -> Any:
    """Import a widget when it is first asked for: ipywidgets takes a fifth of `import ptlab`."""
    if name not in _IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_IN[name]}"), name)
