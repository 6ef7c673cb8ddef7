"""What the words in sentences mean, read from glossary.toml.

The stage explains a term on hover, focus and touch. docs/glossary.md prints the same list.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple


class Term(NamedTuple):
    """A term: the forms in which sentences use it, its name first; its meaning; who says so."""

    forms: tuple[str, ...]
    text: str
    source: str


@cache
def glossary() -> tuple[Term, ...]:
    """All terms, in alphabetical order.

    >>> next(term.text for term in glossary() if "hole" in term.forms)
    'A part of a file that has no pages; a read of it gives zeros.'
    """
    text = files("ptlab.draw").joinpath("glossary.toml").read_text(encoding="utf-8")
    terms = tomllib.loads(text)["term"]
    return tuple(Term(tuple(one["forms"]), one["text"], one["source"]) for one in terms)


def as_words() -> list[Any]:
    """The glossary as the front end takes it: [{"forms": ..., "text": ...}]."""
    return [{"forms": list(term.forms), "text": term.text} for term in glossary()]


def as_page() -> str:
    """The glossary as a page of Markdown."""
    rows = [f"\n## {term.forms[0]}\n\n{term.text}\nSource: {term.source}.\n" for term in glossary()]
    return "".join([_HEAD, *rows])


_HEAD = """\
# Glossary

The words that ptlab's sentences use. In a stepper, a comparison and a race the same explanations
appear when you point at an underlined word, move the focus to it with Tab, or touch it. A source
without a version holds for all kernels that ptlab knows. This page is made from
[glossary.toml](../ptlab/draw/glossary.toml) by `make glossary`.
"""
