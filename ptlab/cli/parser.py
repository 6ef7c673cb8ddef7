"""What commands share: help in 80 columns, and messages on stderr that break between words."""

from __future__ import annotations

import argparse
import re
import sys
from itertools import groupby
from typing import NoReturn

from ptlab.base.lines import WIDTH, wrapped


def tell(message: str) -> None:
    """Write a message of ptlab's to stderr. Each of its lines goes on below where it is too long."""
    first, *rest = message.splitlines() or [""]
    lines = [wrapped(first, "ptlab: ", "  ")]
    lines += [wrapped(line.lstrip(), _indent(line), _indent(line) + "  ") for line in rest]
    print("\n".join(lines), file=sys.stderr)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser, and those of its commands, that says what is wrong in lines that fit."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong; exit status 2."""
        self.print_usage(sys.stderr)
        self.exit(2, wrapped(message, f"{self.prog}: error: ", "  ") + "\n")


class Lines(argparse.HelpFormatter):
    """Prints descriptions and epilogs as they are written, as far as they fit.

    Lines of prose are filled. A line that is indented keeps its beginning; what is too long in it
    goes on below its last column.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(
            line
            for (is_prose, _), lines in groupby(text.splitlines(), _kind)
            for line in ([_filled(list(lines))] if is_prose else map(_hung, lines))
        )


def _kind(line: str) -> tuple[bool, bool]:
    """Whether it is prose, and whether it is a heading, which is never filled up."""
    heading = line.endswith(":")
    return bool(line.strip()) and not line.startswith(" ") and not heading, heading


def _filled(lines: list[str]) -> str:
    """Lines of prose, as they are if all fit."""
    return "\n".join(lines) if max(map(len, lines)) <= WIDTH else wrapped(" ".join(lines))


def _hung(line: str) -> str:
    if len(line) <= WIDTH:
        return line
    columns = re.match(r"( *\S.*?  +)(?=\S)(?!.*\S  +\S)", line)
    first = columns.group(1) if columns else _indent(line)
    return wrapped(line[len(first) :], first, " " * len(first))


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
