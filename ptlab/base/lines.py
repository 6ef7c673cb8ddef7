"""Lines for a terminal of 80 columns: they break between words, never inside a word or a number."""

from __future__ import annotations

import textwrap

WIDTH = 80


def wrapped(text: str, first: str = "", rest: str | None = None) -> str:
    """`text` in lines of at most WIDTH columns, unless a word is longer.

    The first line begins with `first`; the others with `rest`, or as many blanks. A number with blanks
    between its digits, such as 131 073, stays together.

    >>> print(wrapped("one reference " * 7, "  7  "))
      7  one reference one reference one reference one reference one reference one
         reference one reference
    """
    blanks = " " * len(first) if rest is None else rest
    made = textwrap.fill(
        _joined(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=blanks,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return made.replace(_STAYS, " ")


_STAYS = "\x00"


def _joined(text: str) -> str:
    """The blanks inside numbers replaced by something that no line breaks at."""
    return "".join(
        _STAYS if one == " " and 0 < k < len(text) - 1 and _thousands(text, k) else one
        for k, one in enumerate(text)
    )


def _thousands(text: str, k: int) -> bool:
    """Whether the blank at `k` stands before three digits, and after a digit."""
    after = text[k + 1 : k + 4]
    ends = not text[k + 4 : k + 5].isdigit()
    return text[k - 1].isdigit() and len(after) == 3 and after.isdigit() and ends
