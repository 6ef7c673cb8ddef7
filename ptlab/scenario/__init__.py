"""Scenarios: short programs of memory operations, to be shown, measured and compared.

>>> from ptlab import scenario
>>> scenario.run(scenario.find("life-of-a-pte-page"), kernel="6.1")[-1]["pte_kb"]
0
"""

from ptlab.scenario.builtin import find, read
from ptlab.scenario.language import parse
from ptlab.scenario.ops import Op, Scenario
from ptlab.scenario.player import Row, play, run
from ptlab.scenario.words import ScenarioError

__all__ = ["Op", "Row", "Scenario", "ScenarioError", "find", "parse", "play", "read", "run"]
