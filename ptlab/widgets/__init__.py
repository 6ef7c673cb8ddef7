"""What a notebook shows of a story: the stepper widget and the page exported from it."""

from ptlab.widgets.export import export_html
from ptlab.widgets.stepper import Stepper

__all__ = ["Stepper", "export_html"]
