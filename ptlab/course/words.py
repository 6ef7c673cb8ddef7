"""The words of the course: the glossary, whole or one word at a time."""

from __future__ import annotations

from html import escape

from ptlab.base.errors import unknown
from ptlab.base.lines import wrapped
from ptlab.draw.glossary import Term, glossary


class Words:
    """All terms with their meanings and sources; in a notebook a table."""

    def __init__(self, terms: tuple[Term, ...]) -> None:
        self.terms = terms

    def meaning(self, word: str) -> str:
        """What `word` means, in a sentence. ValueError if it is no term."""
        found = {term.forms[0]: term.text for term in self.terms}
        if word not in found:
            raise unknown("word", word, found)
        return found[word]

    def __str__(self) -> str:
        told = (f"{term.forms[0]}: {term.text} ({term.source})" for term in self.terms)
        return "\n".join(wrapped(text, rest="  ") for text in told)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        cell = '<td style="text-align: left">{}</td>'
        rows = (
            f'<tr><th scope="row" style="text-align: left">{escape(term.forms[0])}</th>'
            f"{cell.format(escape(term.text))}{cell.format(escape(term.source))}</tr>"
            for term in self.terms
        )
        heads = "".join(
            f'<th scope="col" style="text-align: left">{head}</th>'
            for head in ("word", "meaning", "source")
        )
        return f"<table><tr>{heads}</tr>{''.join(rows)}</table>"


def words() -> Words:
    """The glossary of the stories and the course.

    >>> words().meaning("walker")
    'Who follows the entries from table to table: the MMU, or a task in the kernel.'
    """
    return Words(glossary())
