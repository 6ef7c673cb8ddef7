"""Enum members that are found as fast as any attribute."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

E = TypeVar("E", bound=type[Enum])


def plain(cls: E) -> E:
    """Make the members of an enum plain attributes of its class.

    Python 3.11 looks them up through EnumType.__getattr__, ten times slower; from 3.12 on they are
    plain attributes anyway. A path names a few for every step.
    """
    for name, member in cls.__members__.items():
        type.__setattr__(cls, name, member)
    return cls
