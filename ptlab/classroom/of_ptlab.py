"""What of ptlab an answer may use: a scheme the words that designs are written in, a function nothing.

A scheme that borrows the points of a design of the debate answers nothing, and a function that asks the
simulator does not count. So each name in the text of a cell that leads into ptlab is looked at.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

FOR_A_CLASS = (
    "ptlab.ReclaimScheme",
    "ptlab.base",
    "ptlab.schemes.empty_tables",
    "ptlab.state",
)
"""By the kind of answer that is asked for, a class or a function."""


def object_to_use(tree: ast.Module, kind: str) -> str | None:
    """What the text of an answer uses of ptlab and may not, with its line; None if there is nothing."""
    for line, dotted in _uses(tree, dict(_bound(tree))):
        if kind == "function":
            return f"line {line} uses {dotted}: the function may not ask the simulator"
        if not any(f"{dotted}.".startswith(f"{allowed}.") for allowed in FOR_A_CLASS):
            return (
                f"line {line} uses {dotted}: of ptlab an answer may use {', '.join(FOR_A_CLASS)}. "
                "The points of other designs are not yours to borrow"
            )
    return None


def _bound(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that imports bind to something of ptlab, each with what it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _of_ptlab(alias.name):
                    whole = alias.name if alias.asname else "ptlab"
                    yield alias.asname or whole, whole
        elif isinstance(node, ast.ImportFrom) and _of_ptlab(node.module or ""):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _of_ptlab(module: str) -> bool:
    return module.split(".")[0] == "ptlab"


def _uses(tree: ast.Module, bound: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Every place in which such a name stands, with all the attributes that follow it."""
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Attribute, ast.Name)) and id(node) not in inner:
            root, names = _chain(node)
            if root in bound:
                yield node.lineno, ".".join([bound[root], *names])
        elif isinstance(node, ast.ImportFrom) and _of_ptlab(node.module or ""):
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def _chain(node: ast.AST) -> tuple[str, list[str]]:
    """The name at the root of a.b.c, and the attributes; "" if it is no name."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return (node.id if isinstance(node, ast.Name) else ""), names
