"""One line of a scenario as a row of words, and the error that points at one of them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from ptlab.base.geometry import PAGE_SIZE
from ptlab.scenario.slots import SLOT_BASE, SLOT_SIZE, TOP

_UNITS = {"": 1, "P": PAGE_SIZE, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
# No leading zeros: C would read 010 as 8, a learner as 10.
_TERM = re.compile(
    r"(?P<sign>[+-]?)"
    r"(?:(?P<top>top)|s(?P<slot>\d+)|(?P<digits>0x[0-9a-fA-F]+|0|[1-9]\d*)(?P<unit>[PKMGT]?))"
    r"(?=[+-]|$)"
)
_NUMBER = "a sum of terms like 4096, 0x1000, 4K, 2M, 1G, 3T, 5P (pages), s0 (slot 0) or top"


class ScenarioError(ValueError):
    """A scenario text that cannot be read: where, what was found and what was expected."""

    def __init__(
        self,
        source: str,
        line: int,
        column: int,
        found: str,
        expected: str,
        text: str = "",
        usage: str = "",
        word: str = "",
    ) -> None:
        self.word = word
        self.source = source
        self.line = line
        self.column = column
        self.found = found
        self.expected = expected
        message = [f"{source}:{line}:{column}: found {found}, expected {expected}"]
        if text:
            # Tabs are kept, so that the caret stands below its word.
            margin = re.sub(r"[^\t]", " ", text[: column - 1].ljust(column - 1))
            message += [f"    {text}", f"    {margin}^"]
        if usage:
            message += [f"    usage: {usage}"]
        super().__init__("\n".join(message))


class Line:
    """The words of one line, taken from left to right."""

    def __init__(self, source: str, line: int, raw: str) -> None:
        self.source = source
        self.line = line
        self.raw = raw.rstrip()
        self.usage = ""
        self._code = raw.split("#")[0].rstrip()
        self._words = [(word.group(), word.start()) for word in re.finditer(r"\S+", self._code)]
        self._next = 0

    @property
    def more(self) -> bool:
        """Whether a word is left."""
        return self._next < len(self._words)

    @property
    def place(self) -> tuple[str, int, int]:
        """The op's text, line and column."""
        return self._code.strip(), self.line, self._words[0][1] + 1

    def ahead(self, word: str) -> bool:
        """Whether the next word is this one; then it is taken."""
        found = self.more and self._words[self._next][0] == word
        self._next += found
        return found

    def error(self, expected: str, back: int = 0, skip: int = 0) -> ScenarioError:
        """What was expected at the next word, or `back` words before it and `skip` into that."""
        at = self._next - back
        if at < len(self._words):
            word, start = self._words[at]
            found = repr(word)
        else:
            word, found, start = "", "the end of the line", len(self._code) + 1
        at_line = self.source, self.line, start + skip + 1
        return ScenarioError(*at_line, found, expected, self.raw, self.usage, word)

    def take(self, expected: str) -> str:
        """The next word, whatever it is."""
        if not self.more:
            raise self.error(expected)
        self._next += 1
        return self._words[self._next - 1][0]

    def rest(self, expected: str) -> str:
        """The rest of the line as one text."""
        self.take(expected)
        start = self._words[self._next - 1][1]
        self._next = len(self._words)
        return self._code[start:]

    def choice(self, choices: Iterable[str]) -> str:
        """The next word, which must be one of `choices`."""
        choices = list(choices)
        expected = "one of " + ", ".join(choices)
        word = self.take(expected)
        if word not in choices:
            close = difflib.get_close_matches(word, choices, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise self.error(expected + hint, back=1)
        return word

    def number(self, name: str, least: int = 0) -> int:
        """The next word as a number of at least `least`."""
        return self.value(self.take(f"{name}, {_NUMBER}"), name, least)

    def value(self, digits: str, name: str, least: int = 0, skip: int = 0) -> int:
        """The number in the word just taken, which starts `skip` characters into it."""
        total = at = 0
        while at < len(digits) or not digits:
            term = _TERM.match(digits, at)
            if term is None:
                raise self.error(f"{name}, {_NUMBER}", back=1, skip=skip + at)
            if term["top"]:
                value = TOP
            elif term["slot"]:
                value = SLOT_BASE + int(term["slot"]) * SLOT_SIZE
            else:
                base = 16 if term["digits"].startswith("0x") else 10
                value = int(term["digits"], base) * _UNITS[term["unit"]]
            total += -value if term["sign"] == "-" else value
            at = term.end()
        if not least <= total < 1 << 64:
            raise self.error(f"{name} from {least} to 2^64 - 1, not {total}", back=1, skip=skip)
        return total

    def end(self) -> None:
        """Refuse any further word."""
        if self.more:
            raise self.error("the end of the line")
