"""A trace under one design: VmPTE at each sample, or the process at one moment."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptlab.costs.meter import Costs
from ptlab.process.process import Process
from ptlab.schemes import ReclaimScheme, scheme_class
from ptlab.trace.player import Player
from ptlab.trace.rows import Op, Row, Trace
from ptlab.trace.strides import together

KERNEL = "6.18"
"""The kernel version that all designs are played on, so that only the designs differ."""

Scheme = str | type[ReclaimScheme]


class Played(NamedTuple):
    """A trace under one design. One number for each sample, in the trace's order.

    low, high  simulated VmPTE of the sampled process in kB, the least and the most while the sample
               was taken; they are the same where nothing was in flight
    total      simulated VmPTE of all processes together, in kB
    peak_kb    the highest total at any row
    end_kb     the total before the last process ends
    later_kb   the same after what the design does in the background
    costs      what it cost, up to the last exit and with what is done in the background
    trouble    what could not be played, and how often
    """

    scheme: str
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    total: NDArray[np.int64]
    peak_kb: int
    end_kb: int
    later_kb: int
    costs: Costs
    trouble: Counter[str]


class _Open(NamedTuple):
    """A sample that is being taken: its number, its process, and its last row."""

    number: int
    who: int
    until: int


def play(trace: Trace, scheme: Scheme, kernel: str = KERNEL) -> Played:
    """The whole trace under one design."""
    player = Player(scheme, kernel, trace.levels)
    count = trace.count(Op.SAMPLE)
    low, high, total = np.full(count, np.iinfo(np.int64).max), *np.zeros((2, count), np.int64)
    taken: list[_Open] = []
    now: Counter[int] = Counter()
    peak = end = later = seen = 0
    costs = player.costs
    until = set(trace.rows["y"][trace.rows["op"] == Op.SAMPLE].tolist())
    for number, row, pages in together(trace, until):
        if row.op == Op.EXIT and len(player.processes) == 1:
            later, costs = player.background(), player.spent()
        player.play(row, pages)
        changed = row.x if row.op == Op.FORK else row.who
        now[changed] = player.vmpte_kb(changed)
        peak = max(peak, now.total())
        if player.processes:
            end = now.total()
        if row.op == Op.SAMPLE:
            taken.append(_Open(seen, row.who, row.y))
            total[seen] = now.total()
            seen += 1
        for one in taken:
            low[one.number] = min(low[one.number], now[one.who])
            high[one.number] = max(high[one.number], now[one.who])
        if taken:
            taken = [one for one in taken if one.until > number]
    if player.processes:
        later, costs = player.background(), player.spent()
    name = scheme_class(scheme).name
    return Played(name, low, high, total, peak, end, later, costs, player.trouble)


def process_at(
    trace: Trace, seconds: float, scheme: Scheme = "pt_reclaim", who: int = 0, kernel: str = KERNEL
) -> Process:
    """A process of the trace as it is so many seconds after the start, to go on with, step by step.

    ValueError if it does not live then.
    """
    player = Player(scheme, kernel, trace.levels)
    for row in map(Row._make, trace.rows.tolist()):
        if row.clock > seconds * 1e9:
            break
        player.play(row)
    if who not in player.processes:
        alive = ", ".join(map(str, player.processes)) or "none"
        raise ValueError(
            f"process_at: process {who} does not live at {seconds} s; these do: {alive}"
        )
    process = player.processes[who]
    process.keep_journal()
    return process
