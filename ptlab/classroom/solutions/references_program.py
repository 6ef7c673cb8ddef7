"""The counts that a set of entries gives for the programs of set 2."""

from __future__ import annotations

from ptlab.classroom.sets.references_program import Program


def entries_model(
    problem: Program, ignores: str = "", drops: str = "", again: bool = False
) -> list[tuple[int, int]]:
    """The rows by a set of entries, with one mistaken idea at most.

    `ignores`: what does not set entries; `drops`: what clears them; `again`: an access to a page
    that is there counts once more.
    """
    entries, zero, extra, rows = set[int](), set[int](), 0, list[tuple[int, int]]()
    for verb, at, n in problem.ops:
        pages = set(range(at, at + n))
        before = len(entries) + extra
        if verb in ("read", "write"):
            faults = pages - entries | (pages & zero if verb == "write" else set())
            extra += len(pages & entries) if again else 0
            zero = zero - pages if verb == "write" else zero | pages - entries
            entries |= set() if verb == ignores else pages
            after = len(entries) + extra
            rows.append((after, after + 1 if faults else after))
        else:
            extra = 0 if n == 512 else extra
            entries -= pages if verb in ("dontneed", drops) else set()
            rows.append((len(entries) + extra, before + 1))
    return rows
