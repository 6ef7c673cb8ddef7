"""What a notebook shows: the stepper, the race scheduler, the comparison panel, tables to fill in.

Each is a Python file that holds the state of the widget, and an ES module that draws it. export
writes the same thing as one page of HTML that needs neither Python nor a network.

The one idea: a widget plays a payload, a dict of plain data that was laid out once. A step in the
browser never waits for Python.

It imports no other part of ptlab: a payload is all that it knows.
"""

from ptlab.widgets.export import export_html, export_race
from ptlab.widgets.outputs import display_in_notebook
from ptlab.widgets.predict import Predict
from ptlab.widgets.scheduler import RaceScheduler
from ptlab.widgets.stepper import Stepper

__all__ = [
    "Predict",
    "RaceScheduler",
    "Stepper",
    "display_in_notebook",
    "export_html",
    "export_race",
]
