"""The counters of an address space, as a program reads them in /proc."""

from __future__ import annotations

from typing import NamedTuple

from ptlab.state.mm import Count, Mm


class Counters(NamedTuple):
    """What /proc/PID/status, smaps and pagemap would show. Tables by level; kB; pages; events."""

    pud: int
    pmd: int
    pte: int
    vmpte_kb: int
    rss_kb: int
    anon_kb: int
    huge_kb: int
    vmas: int
    minflt: int
    present: int
    zeropg: int
    filepg: int
    swap: int
    majflt: int
    hugetlb_kb: int


def counters(mm: Mm) -> Counters:
    """The counters of `mm` now. O(1)."""
    c = mm.counters
    anon, zero, file = c[Count.ANON], c[Count.ZERO], c[Count.FILE]
    huge_zero = c[Count.HUGE_ZERO]
    return Counters(
        pud=c[Count.PUD],
        pmd=c[Count.PMD],
        pte=c[Count.PTE],
        vmpte_kb=mm.vmpte_kb,
        rss_kb=4 * (anon + file),
        anon_kb=4 * anon,
        huge_kb=2048 * (c[Count.HUGE] - huge_zero),
        vmas=len(mm.vmas),
        minflt=c[Count.MINFLT],
        present=anon + zero + file + 512 * huge_zero + c[Count.HUGETLB_SEEN],
        zeropg=zero,
        filepg=file,
        swap=c[Count.SWAP],
        majflt=c[Count.MAJFLT],
        hugetlb_kb=4 * c[Count.HUGETLB] % (1 << 64),  # as Linux prints it, below 0 too
    )
