"""The scenarios that come with ptlab: a few for learners, and those of `ptlab.kernels`."""

from __future__ import annotations

import difflib
import functools
from importlib import resources

from ptlab.scenario.language import parse
from ptlab.scenario.ops import Scenario


class UnknownScenario(ValueError):
    """There is no scenario of that name; the message says which ones are close."""


_FILES = ("teaching.txt", "recorded.txt", "random.txt")


def find(name: str) -> Scenario:
    """The built-in scenario called `name`; UnknownScenario names the ones that are close.

    >>> find("life-of-a-pte-page").ops[-1].text
    'munmap s0 2M'
    """
    return choose(name, builtin(), "built-in scenario")


def choose(name: str, scenarios: dict[str, Scenario], kind: str) -> Scenario:
    """The scenario called `name` out of some; UnknownScenario names the ones that are close."""
    if name in scenarios:
        return scenarios[name]
    close = [known for known in scenarios if known.lower().startswith(name.lower())][:3]
    close = close or difflib.get_close_matches(name, scenarios, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(scenarios)}"
    raise UnknownScenario(f"no {kind} is called {name!r}: {hint}")


@functools.cache
def builtin() -> dict[str, Scenario]:
    """Every built-in scenario by its name, those for learners first."""
    data = resources.files("ptlab.scenario") / "data"
    return {
        scenario.name: scenario
        for file in _FILES
        for scenario in parse((data / file).read_text(encoding="utf-8"), file)
    }
