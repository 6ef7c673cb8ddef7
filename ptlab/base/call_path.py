"""Which of the functions that a path is in are the kernel's.

A path carries the name of the kernel function that it models. What ptlab has added is marked where
it is defined: by a leading underscore, by @not_in_kernel where other modules call it, or because it
is a point of ReclaimScheme.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any, TypeVar

from ptlab.base.steps import Path

F = TypeVar("F", bound=Callable[..., Path[Any]])

_MARKED: set[CodeType] = set()


def not_in_kernel(path: F) -> F:
    """Mark a path that no kernel function is named after: it is left out of call paths."""
    _MARKED.add(path.__code__)
    return path


def in_kernel(code: CodeType) -> bool:
    """Whether a function has the name of one in the kernel (or in the mails)."""
    name = code.co_name
    return code not in _MARKED and (not name.startswith("_") or name.startswith("__"))
