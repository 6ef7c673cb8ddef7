"""What a notebook shows: the stepper, its page, the scheduler, and tables to fill in."""

from ptlab.widgets.export import export_html, export_race
from ptlab.widgets.predict import Predict
from ptlab.widgets.scheduler import RaceScheduler
from ptlab.widgets.stepper import Stepper

__all__ = ["Predict", "RaceScheduler", "Stepper", "export_html", "export_race"]
