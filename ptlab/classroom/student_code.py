"""Code as an answer: the text of the cell that a function or a class was written in.

A check never runs an answer where it is graded. It takes the text of its cell, and the sandbox runs
that, alone. So the cell must be whole: its imports and its helpers are in it.

Before it runs, the text is read. It may import what RULES names, define what it likes, and change
what belongs to its own objects; it may not reach into Python or into ptlab. `object_to` says where
it does, with the line. This is a fence, not a wall: the sandbox has limits of its own.
"""

from __future__ import annotations

import ast
import linecache
import types
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 60_000
"""Characters in a cell."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


IMPORTS = _words(
    "__future__ bisect collections dataclasses functools heapq itertools math numpy ptlab random typing"
)
"""Modules that an answer may import, with what is below them."""

_NO_NAMES = _words(
    "__builtins__ __import__ __loader__ __spec__ breakpoint compile delattr eval exec getattr "
    "globals input locals memoryview open setattr vars"
)
_NO_ATTRIBUTES = _words(
    # modules that other modules have imported
    "builtins classroom cli ctypes ctypeslib f2py gc importlib inspect io kernels lib linecache memmap "
    "os subprocess sys test testing threading types weakref "
    # what leads from an object to the interpreter, or from a text to an attribute
    "ag_frame cr_frame f_back f_builtins f_code f_globals f_locals gi_code gi_frame tb_frame "
    "ForwardRef get_type_hints update_wrapper wraps"
)
_OWN = ("self", "cls")


class NotCode(Exception):
    """The answer is no function or class whose text can be read; the message says why."""


class Refused(Exception):
    """The answer tried what it may not."""


def no_memory(mib: int) -> str:
    """The reason of an answer that needs too much."""
    return f"it needs more than {mib} MiB of memory"


class Code(NamedTuple):
    """A function or class by its text: the cell it is in, and its name there."""

    kind: str
    """"function" or "class"."""
    name: str
    text: str


def code(answer: object, wanted: str = "function or class") -> Code:
    """The text of a function or a class. NotCode says what the answer is instead of what is wanted."""
    if type(answer) is Code:
        if len(answer) != 3 or any(type(part) is not str for part in answer):
            raise NotCode("this Code is not made of three texts: give the function or class itself")
        return _short_enough(answer)
    if answer is None:
        raise NotCode(f"there is no answer yet: put your {wanted} in place of None")
    if issubclass(type(answer), type):
        kind, name, found = "class", class_name(answer), list(_methods(answer))
    elif type(answer) is types.FunctionType:
        kind, name, found = "function", answer.__code__.co_name, [answer]
    else:
        raise NotCode(
            f"a {wanted} is wanted, by its name alone, without brackets or quotes; "
            f"this is of type {class_name(type(answer))}"
        )
    files = {function.__code__.co_filename for function in found}
    texts = ["".join(linecache.getlines(file)) for file in sorted(files)]
    text = next((t for t in texts if _defines(t, name)), None)
    if text is None:
        raise NotCode(
            f"the text of {name} was not found. Define it with `def` or `class` in a cell, and give "
            "a class at least one method"
        )
    return _short_enough(Code(kind, name, text))


def _short_enough(found: Code) -> Code:
    if len(found.text) > LONGEST:
        raise NotCode(f"the cell has {len(found.text)} characters; at most {LONGEST} are read")
    return found


def kind_of(answer: object) -> type:
    """The type of `answer`, to compare; `object` if its metaclass could have a say in that."""
    return type(answer) if type(type(answer)) is type else object


def class_name(answer: object) -> str:
    """The name of a class, without asking its metaclass, which may be the student's."""
    return str.__str__(type.__dict__["__name__"].__get__(answer))[:60]


def _methods(answer: object) -> Iterator[types.FunctionType]:
    for value in list(type.__dict__["__dict__"].__get__(answer).values()):
        if kind_of(value) in (staticmethod, classmethod):
            value = value.__func__
        if type(value) is types.FunctionType:
            yield value


def _defines(text: str, name: str) -> bool:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    kinds = (ast.FunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) and node.name == name for node in body)


def runnable(text: str) -> ast.Module:
    """The cell without what only shows something: expressions that stand alone are left out."""
    tree = ast.parse(text)
    tree.body = [node for node in tree.body if not isinstance(node, ast.Expr)]
    return tree


def object_to(text: str) -> str | None:
    """What an answer may not do and this text does, with its line; None if there is nothing."""
    try:
        tree = runnable(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"it is no Python that can be read: {error}"
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    for node in ast.walk(tree):
        why = _objection(node, imported)
        if why:
            return f"line {getattr(node, 'lineno', 1)} {why}"
    return None


def _objection(node: ast.AST, imported: set[str]) -> str | None:
    if isinstance(node, ast.Import):
        return next(filter(None, (_module(alias.name) for alias in node.names)), None)
    if isinstance(node, ast.ImportFrom):
        name = node.module or ""
        hidden = (n.name for n in node.names if _hidden(n.name) and node.module != "__future__")
        bad = next(hidden, None)
        return _module("." * node.level + name) or (bad and f"imports {bad} from {name}") or None
    if isinstance(node, ast.Name) and node.id in _NO_NAMES:
        return f"uses {node.id}: an answer may not"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and "__" in node.value:
        return "has a text with two underscores in it: an answer may not reach into Python"
    if isinstance(node, ast.Attribute):
        return _attribute(node, imported)
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        root = _root(node)
        if root in imported:
            return (
                f"changes something in {root}, which it has imported: an answer changes only itself"
            )
    return None


def _module(name: str) -> str | None:
    parts = name.split(".")
    if (parts[0] in IMPORTS and not any(map(_hidden, parts))) or name == "__future__":
        return None
    return f"imports {name}: an answer may import {', '.join(sorted(IMPORTS - {'__future__'}))}"


def _attribute(node: ast.Attribute, imported: set[str]) -> str | None:
    owner = node.value
    own = isinstance(owner, ast.Name) and owner.id in _OWN
    parent = (
        isinstance(owner, ast.Call)
        and isinstance(owner.func, ast.Name)
        and owner.func.id == "super"
    )
    if not isinstance(node.ctx, ast.Load) and not own:
        return f"sets {ast.unparse(node)[:60]}: an answer changes only itself (self.{node.attr})"
    if node.attr.startswith("__") and not (parent and node.attr == "__init__"):
        return f"uses {node.attr}: an answer may not reach into Python"
    if _hidden(node.attr) and not own and not parent:
        return f"uses {node.attr}: it is not meant for others"
    return None


def _hidden(name: str) -> bool:
    return name.startswith("_") or name in _NO_ATTRIBUTES


def _root(node: ast.AST) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
