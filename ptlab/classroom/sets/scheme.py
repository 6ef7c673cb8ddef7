"""Set 5, write a scheme: what is empty must go, at a price. How they are judged: scheme_question.py."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ptlab.classroom.scheme_judge import measured
from ptlab.classroom.scheme_question import IN_THE_BACKGROUND, Program, SchemeQuestion, limits


class InPieces(SchemeQuestion):
    """Free what several calls have emptied together."""

    name = "scheme-1"

    def program(self, rng: Random) -> Iterator[str]:
        """Four tables are filled and dropped in two or three pieces each; one keeps a page."""
        yield "mmap s0 8M"
        kept = rng.randrange(4)
        for table in range(4):
            yield f"touch w s0+{table * 2}M 2M"
        for table in rng.sample(range(4), 4):
            cuts = sorted(rng.sample(range(1, 16), rng.choice((1, 2))))
            pieces = list(zip([0, *cuts], [*cuts, 16], strict=True))
            rng.shuffle(pieces)
            for first, last in pieces:
                short = 4 if table == kept and (first, last) == pieces[-1] else 0
                length = (last - first) * 128 - short
                yield f"madvise DONTNEED s0+{table * 2048 + first * 128}K {length}K"

    def limits(self, text: str) -> Program:
        """What write_scan does, which locks everybody out for it."""
        found = measured("write_scan", text)
        return limits(text, found.now_kb, found.built, found.scanned)


class Counted(SchemeQuestion):
    """Know that a table is empty without reading it each time."""

    name = "scheme-2"
    no_peeking = True

    def program(self, rng: Random) -> Iterator[str]:
        """Three tables, written or read, dropped from front to back in six to eight steps."""
        yield "mmap s0 6M"
        read = rng.randrange(3)
        for table in range(3):
            yield f"touch {'r' if table == read else 'w'} s0+{table * 2}M 2M"
        for table in rng.sample(range(3), 3):
            cuts = sorted(rng.sample(range(1, 16), rng.choice((5, 6, 7))))
            for first, last in zip([0, *cuts], [*cuts, 16], strict=True):
                yield f"madvise DONTNEED s0+{table * 2048 + first * 128}K {(last - first) * 128}K"

    def limits(self, text: str) -> Program:
        """As much memory as write_scan, but 512 entries for each table that it frees."""
        found = measured("write_scan", text)
        return limits(text, found.now_kb, found.built, 512 * found.freed)


class Later(SchemeQuestion):
    """Do not free what is needed again at once, and still free in the end."""

    name = "scheme-3"
    at_once = False
    frees_in = IN_THE_BACKGROUND

    def program(self, rng: Random) -> Iterator[str]:
        """One hot table, some cold ones, and an area that goes with munmap."""
        cold = rng.randint(4, 6)
        yield f"mmap s0 {2 * cold + 2}M"
        yield "mmap s1 2M"
        gone = rng.randrange(1, cold)
        for table in range(cold):
            for _ in range(rng.randint(1, 3)):
                yield "touch w s0 2M"
                yield "madvise DONTNEED s0 2M"
            pages = 4 * rng.randrange(1, 512)
            yield f"touch w s0+{2 * table + 2}M {pages}K"
            yield f"madvise DONTNEED s0+{2 * table + 2}M 2M"
            if table == gone:
                yield "touch w s1 2M"
                yield "madvise DONTNEED s1 2M"
                yield "munmap s1 2M"

    def limits(self, text: str) -> Program:
        """Tables as unmap_only builds them, the memory of mapped_count and two tables more, one scan.

        The scan may take mmap_lock for write, once.
        """
        counted, plain = measured("mapped_count", text), measured("unmap_only", text)
        visits = sum(line.startswith("madvise") for line in text.splitlines())
        scanned = 512 * (visits + plain.built)
        return limits(text, counted.end_kb + 8, plain.built, scanned, more_writes=1)


QUESTIONS = (InPieces(), Counted(), Later())
