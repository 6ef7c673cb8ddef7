"""The page on guards that are left out: it gives the reasons that the benchmark accepts."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.mutants import EXPLAINED

PAGE = (Path(__file__).parents[2] / "docs" / "mutants.md").read_text()
ROWS = re.findall(r"^\| `(.*?)` \| `(.*?)` \((.*?)\) \| (.*) \|$", PAGE, re.M)


def test_every_reason_is_in_the_table_and_no_other() -> None:
    excused = {
        (f"{file} {fn}", why)
        for file, fn, _, why in ROWS
        if why.startswith(("redundant", "not judged"))
    }
    assert excused == {(key.rstrip(" 0123456789"), why) for key, why in EXPLAINED.items()}


def test_the_numbers_of_the_page_are_those_of_its_table() -> None:
    said = re.search(
        r"Of (\d+) guards (\d+) are missed, (\d+) are redundant and (\d+) are not judged", PAGE
    )
    assert said is not None
    redundant = sum(row[3].startswith("redundant") for row in ROWS)
    not_judged = sum(row[3].startswith("not judged") for row in ROWS)
    missed = len(ROWS) - redundant - not_judged
    assert tuple(map(int, said.groups())) == (len(ROWS), missed, redundant, not_judged)
    assert len({row[0] for row in ROWS}) > 20
