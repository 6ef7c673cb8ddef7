"""Scenarios: short programs of memory operations, to be shown, measured and compared.

>>> from ptlab import scenario
>>> scenario.run(scenario.find("life-of-a-pte-page"), kernel="6.1")[-1]["pte_kb"]
0

Read operation (what an operation is) and operations/ (all of them, each in one place), language (from
text to operations), player (from operations to calls of a Process, and a row of numbers after each),
builtin (the programs that ptlab carries, in data/).

The one idea: a learner, the simulator and a real kernel all get the same program.

It plays a Process. It knows nothing of what is made of the rows: stories, costs and judges are above.
"""

from ptlab.scenario.builtin import find, read
from ptlab.scenario.language import parse
from ptlab.scenario.line import ScenarioError
from ptlab.scenario.operation import Operation, Scenario
from ptlab.scenario.player import Row, play, run

__all__ = ["Operation", "Row", "Scenario", "ScenarioError", "find", "parse", "play", "read", "run"]
