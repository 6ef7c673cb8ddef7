"""Whose problem it is: a name makes a student's own problem, a secret makes the grader's further ones.

* `student("netid")` names whose problems the notebook shows. The same name gives the same problems
  on every machine.
* `practice(3)` shows practice problems, the same for everybody. They are not graded.
* Answers that are code are judged on further problems too. Their seeds are public at home; at grading
  they come from the grader's secret (secret.py), from another key for each set.
* At grading the name is that of the folder in which the work was handed in (grading.py). A notebook
  with a friend's name shows the friend's problems, but is graded on its owner's.

The code that makes problems is open to read, and so is the engine. What asks it for the answers is in
`solutions/`, which a student's install does not have. Only the secret is unknown to everybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any
from unicodedata import normalize

from ptlab.classroom import secret

VERSION = 3
"""Of the problems and their answers. It goes up when a name no longer has the problem it had before.

A problem set carries it in its metadata: {"ptlab": {"version": 3}}.
"""

PRACTICE = 10
"""There are practice problems 0 to 9 of each question."""

_PLACEHOLDER = "your netid"
"""What stands in a new copy of a notebook."""

_PRACTICE = re.compile(r"practice\s*\d+$")
"""No name of a student: somebody would be graded on problems that are solved in public."""

_claimed = ""
_secret = ""


class NoName(ValueError):
    """Nobody has said whose problem it is."""


def student(name: str) -> None:
    """Say whose problems these are: a NetID, or any name. Case and outer spaces do not count."""
    global _claimed
    if not isinstance(name, str) or not name.strip() or len(name) > 80:
        raise NoName('student: give your own name or NetID as text, such as student("amy7")')
    if of_practice(name):
        raise NoName(f"student: {name!r} is no name. For practice problems write ptlab.practice(3)")
    _claimed = plain(name)
    if _claimed == _PLACEHOLDER:
        print(
            "Write your own name in place of 'your NetID'. Until then you see somebody's problems."
        )
    else:
        print(f"These are the problems of {_claimed}.")


def practice(number: int = 0) -> None:
    """Show practice problems from here on: `number` from 0 to 9. They are judged, not graded."""
    global _claimed
    if type(number) is not int or not 0 <= number < PRACTICE:
        raise NoName(
            f"practice: {number!r} is given; it should be a number from 0 to {PRACTICE - 1}"
        )
    _claimed = practice_name(number)
    print(
        f"These are practice problems, number {number} of 0 to {PRACTICE - 1}. They are not graded."
    )


def practice_name(number: int) -> str:
    """The name that has practice problem `number`."""
    return f"practice {number}"


def is_practice(name: str) -> bool:
    """Whether `name` is that of a practice problem."""
    return name in map(practice_name, range(PRACTICE))


def of_practice(name: str) -> bool:
    """Whether `name` looks like that of a practice problem, which no student may have."""
    return _PRACTICE.match(plain(name)) is not None


def other_version(metadata: Mapping[str, Any]) -> str:
    """Why a notebook with this metadata cannot be graded; "" if it can.

    Some editors drop metadata that they do not know. A notebook without a version is graded.
    """
    ours = metadata.get("ptlab")
    version = ours.get("version", VERSION) if isinstance(ours, Mapping) else VERSION
    if version == VERSION:
        return ""
    return (
        f"it was made from version {version!r} of the problems, and this ptlab has version {VERSION}: "
        "grade it with the ptlab that the student used"
    )


def grading() -> bool:
    """Whether this is the grader's run."""
    return bool(_secret)


@contextmanager
def graded_with(secret: str) -> Iterator[None]:
    """This is the grader's run, with this secret."""
    global _secret
    _secret = secret
    try:
        yield
    finally:
        _secret = ""


def claimed() -> str:
    """The name that the notebook gave; "" if it gave none."""
    return _claimed


def whose() -> str:
    """The name whose problems the notebook shows. NoName if there is none."""
    if not _claimed:
        raise NoName('whose problem? Say so first: ptlab.student("your name or NetID")')
    return _claimed


def own(question: str, name: str) -> Random:
    """The randomness of `name`'s own problem."""
    return Random(f"ptlab {question} of {name}")


def further(question: str, number: int) -> list[Random]:
    """The randomness of `number` further problems, the same for all students."""
    key = secret.of_set(_secret, question.rsplit("-", 1)[0]) if grading() else "public"
    return [Random(f"ptlab {question} {key} {k}") for k in range(number)]


def plain(name: str) -> str:
    """A name as it decides on problems: an accent is the same however a file system writes it."""
    return normalize("NFC", normalize("NFC", name).strip().casefold())
