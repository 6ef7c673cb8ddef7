"""What could be gained, each sentence with a number that the simulator computes on the rebuilt process.

A sentence appears only if its number does. "Linux today" is the design pt_reclaim: Linux 6.14 or
newer with CONFIG_PT_RECLAIM.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ptlab.base.errors import KernelError
from ptlab.base.geometry import PAGE_SIZE
from ptlab.observe.observation import Observation
from ptlab.observe.rebuild import rebuild
from ptlab.process.process import Process

_WORTH = 64  # kB: less than that is nothing to gain
_TABLE_KB = PAGE_SIZE >> 10


def advice(seen: Observation) -> list[str]:
    """The sentences for one process, the largest gain first; one that says so if there is none."""
    gains = sorted([*_empty(seen), *_scattered(seen)], reverse=True)
    said = [sentence for kb, sentence in gains if kb >= _WORTH]
    if not said:
        said = [f"Nothing to gain: of {seen.vmpte_kb} kB less than {_WORTH} kB could be saved."]
    if seen.tables.deposited:
        kb = seen.tables.deposited * _TABLE_KB
        said.append(
            f"{seen.tables.deposited} deposited tables ({kb} kB) are no waste: each waits for the "
            "moment when its huge page is split."
        )
    return said


def _empty(seen: Observation) -> Iterator[tuple[int, str]]:
    """What the empty tables are worth, and how they would go."""
    if seen.located is None:
        least = seen.spread[0]
        if seen.still and least:
            kb = least * _TABLE_KB
            where = (
                "--locate (in Python: locate=True) finds where they are, and what would free them."
            )
            yield kb, f"{least} tables ({kb} kB) are empty. {where}"
        return
    process = rebuild(seen.mappings, "pt_reclaim", seen.located)
    before = process.counters.vmpte_kb
    runs = list(seen.located.runs())
    for start, end in runs:
        with suppress(KernelError):  # ENOMEM: a hole between two mappings; the rest is done
            process.madvise(start, "DONTNEED", end - start)
    freed = before - process.counters.vmpte_kb
    if freed:
        yield (
            freed,
            f"One MADV_DONTNEED over each of {len(runs)} runs of empty tables would free {freed} kB on "
            "Linux today (simulated). Memory that is given back in aligned pieces of 2 MiB leaves no "
            "such tables.",
        )


def _scattered(seen: Observation) -> Iterator[tuple[int, str]]:
    """What the same pages would need if they lay side by side."""
    small = int(seen.tables.filled.sum())
    if not small:
        return
    process = Process(scheme="pt_reclaim", grain="range", record=False)
    process.touch(process.mmap(small * PAGE_SIZE, noreserve=True))
    seen_kb = (seen.tables.total - seen.tables.deposited) * _TABLE_KB
    saved = seen_kb - process.counters.vmpte_kb
    upper = (len(seen.tables.pud) + len(seen.tables.pmd)) * _TABLE_KB
    if saved > seen_kb // 2:
        yield (
            saved,
            f"Its {small} small pages are scattered: side by side they would need {seen_kb - saved} kB "
            f"of tables, not {seen_kb} kB (simulated). {upper} kB of these are PUD and PMD pages.",
        )
