"""The API reference: pages for Sphinx's autodoc, and ptlab's plain docstrings as reStructuredText."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

PACKAGES = {
    "ptlab": "What a learner types",
    "ptlab.course": "Questions and look-ups of the notebooks",
    "ptlab.scenario": "Programs as text",
    "ptlab.schemes": "Designs",
    "ptlab.kernels": "Real kernels as judge",
    "ptlab.observe": "Processes that run",
    "ptlab.trace": "Recorded programs",
    "ptlab.classroom": "Questions and checks of a class",
    "ptlab.base.pte": "The bits of an entry",
    "ptlab.base.geometry": "Levels and sizes",
}
_LITERAL = re.compile(r"^\s|\S {2,}\S", re.MULTILINE)
"""A paragraph that is laid out in columns, or indented: it stays as it is."""
_SPECIAL = re.compile(r"([*|\\]|(?<=\w)_(?=\W|$))")


def write_api(folder: Path) -> None:
    """Write index.md and a page for each of PACKAGES into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    names = "\n".join(PACKAGES)
    index = "# API reference\n\nMade from the docstrings.\n\n"
    listed = f"```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    (folder / "index.md").write_text(index + listed, encoding="utf-8")
    told: dict[int, str] = {}
    for name, title in PACKAGES.items():
        (folder / f"{name}.rst").write_text(_page(name, title, told), encoding="utf-8")


def _page(name: str, title: str, told: dict[int, str]) -> str:
    """The page of a package. `told` has what another page tells already: it is only named."""
    module = importlib.import_module(name)
    heading = f"{name}: {title}"
    parts = [f"{heading}\n{'=' * len(heading)}", f".. automodule:: {name}\n   :no-index:"]
    for public in _public(module):
        thing, full = getattr(module, public), f"{name}.{public}"
        if id(thing) in told:
            parts.append(f"``{public}``: see :py:obj:`{told[id(thing)]}`.")
            continue
        if callable(thing):
            told[id(thing)] = full
        if inspect.isclass(thing):
            options = "\n   :members:\n   :member-order: bysource"
            parts.append(f".. autoclass:: {full}{options}")
        elif callable(thing):
            parts.append(f".. autofunction:: {full}")
        else:
            parts.append(f".. py:data:: {full}\n\n   ``{_shown(thing)}``")
    return "\n\n".join(parts) + "\n"


def _public(module: Any) -> list[str]:
    """The names of `__all__`, or those that the module defines itself."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return list(listed)
    own = [name for name, thing in vars(module).items() if not name.startswith("_")]
    imported = ("annotations", "Any", "NamedTuple", "IntEnum")
    return [
        name
        for name in own
        if name not in imported
        and not inspect.ismodule(vars(module)[name])
        and getattr(vars(module)[name], "__module__", module.__name__) == module.__name__
    ]


def _shown(thing: object) -> str:
    text = ", ".join(thing) if isinstance(thing, dict) else repr(thing)
    return text if len(text) <= 300 else f"{text[:300]} ..."


def as_rst(lines: list[str]) -> list[str]:
    """A docstring of ptlab as reStructuredText: `names` are code, and columns keep their shape."""
    blocks = re.split(r"\n\s*\n", inspect.cleandoc("\n".join(lines)))
    return [*"\n\n".join(map(_block, blocks)).splitlines(), ""]


def _block(block: str) -> str:
    if block.lstrip().startswith(">>>"):
        return inspect.cleandoc(block)
    if _LITERAL.search(block):
        return "::\n\n" + "\n".join(f"    {line}" for line in block.splitlines())
    if block.startswith(("* ", "- ", "1. ")):
        return block
    pieces = re.split(r"(`[^`]+`)", block)
    return "".join(
        f"`{piece}`" if piece.startswith("`") else _SPECIAL.sub(r"\\\1", piece) for piece in pieces
    )
