"""The scenarios that the words of a command line stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ptlab.cli.bad_input import BadInput
from ptlab.scenario import Scenario, ScenarioError, parse
from ptlab.scenario.builtin import UnknownScenario, choose, find

_FEW = 8


def named(names: list[str]) -> list[Scenario]:
    """Built-in scenarios by their names."""
    try:
        return [find(name) for name in names]
    except UnknownScenario as error:
        raise BadInput(str(error)) from error


def scenarios(
    first: str, names: list[str], find: Callable[[str], Scenario] = find
) -> list[Scenario]:
    """The scenarios that the words FILE NAME ... or NAME NAME ... stand for.

    `find` looks up a name that is in no file.
    """
    path = Path(first)
    if not path.is_file() and (path.suffix or len(path.parts) != 1 or path.exists()):
        raise BadInput(f"{first!r} is not a file: give a scenario file or a built-in scenario")
    try:
        if not path.is_file():
            return [find(name) for name in (first, *names)]
        in_file = {scenario.name: scenario for scenario in parse(path.read_text("utf-8"), first)}
        return [
            choose(name, in_file, f"scenario of {first}", _first_of(in_file))
            for name in names or in_file
        ]
    except (ScenarioError, UnknownScenario) as error:
        raise BadInput(str(error)) from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{first} is not a text in UTF-8 (byte {error.start})") from error
    except OSError as error:
        raise BadInput(f"{first} cannot be read: {error.strerror}") from error


def _first_of(names: Iterable[str]) -> str:
    """The names, or the first few of many."""
    known = list(names)
    more = f" and {len(known) - _FEW} more" if len(known) > _FEW else ""
    return f"there are {', '.join(known[:_FEW])}{more}"
