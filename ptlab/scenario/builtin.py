"""The scenarios that come with ptlab: a few for learners, and those of `ptlab.kernels`."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Mapping
from importlib import resources
from typing import TypeVar

from ptlab.scenario.language import parse
from ptlab.scenario.operation import Scenario

T = TypeVar("T")


class UnknownScenario(ValueError):
    """There is no scenario of that name; the message says which ones are close."""


NOT_SCENARIOS: dict[str, str] = {}
"""Names that look like those of scenarios, and what they are instead. Their own modules add them."""

_FILES = (
    *("teaching.txt", "recorded.txt", "public.txt", "programs.txt", "hugetlb.txt", "random.txt"),
    "surprises.txt",
)


def find(name: str) -> Scenario:
    """The built-in scenario called `name`; UnknownScenario names the ones that are close.

    >>> find("life-of-a-pte-page").ops[-1].text
    'munmap s0 2M'
    """
    if isinstance(name, str) and name in NOT_SCENARIOS.keys() - builtin().keys():
        raise UnknownScenario(f"{name!r} is not a scenario: {NOT_SCENARIOS[name]}")
    return choose(name, builtin(), "built-in scenario", "`ptlab run` in a terminal lists them all")


def read(scenario: str, named: Callable[[str], Scenario] = find) -> Scenario:
    """The (first) scenario of a text, or the one that has `scenario` as its name.

    ScenarioError for a bad text, UnknownScenario for a bad name, TypeError for anything else.
    """
    if isinstance(scenario, str) and ("\n" in scenario or " " in scenario.strip()):
        return parse(scenario)[0]
    return named(scenario)


def choose(name: str, known: Mapping[str, T], kind: str, where: str) -> T:
    """What is called `name` out of `known`, all of the same `kind`.

    UnknownScenario names those that are close, and `where` says how to see all. TypeError if `name`
    is not a string.
    """
    if not isinstance(name, str):
        raise TypeError(f"a {kind} is given by its name, a text, not as {name!r}")
    if name in known:
        return known[name]
    close = [other for other in known if name and other.lower().startswith(name.lower())][:3]
    close = close or difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise UnknownScenario(f"no {kind} is called {name!r}: {hint}{where}")


@functools.cache
def builtin() -> dict[str, Scenario]:
    """Every built-in scenario by its name, those for learners first."""
    data = resources.files("ptlab.scenario") / "data"
    return {
        scenario.name: scenario
        for file in _FILES
        for scenario in parse((data / file).read_text(encoding="utf-8"), file)
    }
