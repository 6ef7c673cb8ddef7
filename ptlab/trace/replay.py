"""A trace under every design, beside the real VmPTE."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from html import escape
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlab.base.lines import wrapped
from ptlab.base.workers import workers
from ptlab.costs.findings import price
from ptlab.draw.chart import Panels, Series
from ptlab.schemes import SCHEMES
from ptlab.trace.carried import CARRIED, OLDER, carried
from ptlab.trace.file_format import check_rows, read_trace
from ptlab.trace.playing import Played, Scheme, play
from ptlab.trace.rows import Op, Trace
from ptlab.trace.strace import is_strace, read_strace

_SMALL = 2000  # rows that are played sooner than other processes have started


class Replay(Sequence[Played]):
    """A trace and what came of it under each design.

    real   VmPTE in kB at each sample, as the kernel said
    least  the same if nothing is touched, for a trace that does not hold what was touched; else empty
    """

    def __init__(
        self, trace: Trace, played: Sequence[Played], least: Sequence[Played] = ()
    ) -> None:
        self.trace, self._played, self.least = trace, list(played), list(least)
        samples = trace.rows[trace.rows["op"] == Op.SAMPLE]
        self.real: NDArray[np.int64] = samples["x"]
        self.clock: NDArray[np.int64] = samples["clock"]

    def __getitem__(self, index: Any) -> Any:
        return self._played[index]

    def __len__(self) -> int:
        return len(self._played)

    def equal(self, one: Played) -> int:
        """How many samples of the real VmPTE this design explains.

        The real value lies between the simulated ones before and after what was in flight.
        """
        return int(np.count_nonzero((one.low <= self.real) & (self.real <= one.high)))

    @property
    def real_total(self) -> NDArray[np.int64]:
        """VmPTE of all processes together at each sample: the last value of each that lives."""
        latest: dict[int, int] = {}
        total = []
        for who, op, x in self.trace.rows[["who", "op", "x"]].tolist():
            if op == Op.SAMPLE:
                latest[who] = x
                total.append(sum(latest.values()))
            elif op == Op.EXIT:
                latest.pop(who, None)
        return np.array(total, np.int64)

    @property
    def real_peak_kb(self) -> int:
        """The highest real VmPTE of all processes together at any sample, in kB."""
        return int(self.real_total.max(initial=0))

    @property
    def real_end_kb(self) -> int:
        """The real VmPTE of all processes together at the last sample, in kB."""
        return int(self.real_total[-1]) if len(self.real) else 0

    def objects(self) -> Iterator[dict[str, Any]]:
        """What `ptlab replay --json` prints, an object for each design."""
        for number, one in enumerate(self):
            plain = {
                "scheme": one.scheme,
                "samples": len(self.real),
                "equal": self.equal(one),
                "exact": int(np.count_nonzero((one.low == self.real) & (self.real == one.high))),
                "peak_kb": one.peak_kb,
                "end_kb": one.end_kb,
                "later_kb": one.later_kb,
                "costs": one.costs.as_dict(),
                "not_played": dict(one.trouble),
            }
            if self.least:
                low = self.least[number]
                plain |= {"peak_least_kb": low.peak_kb, "end_least_kb": low.end_kb}
            yield plain

    def sentences(self) -> dict[str, str]:
        """One sentence for each design, made from the numbers; then what could not be played."""
        return {one.scheme: self._sentence(one) for one in self}

    def _sentence(self, one: Played) -> str:
        peak, end = str(one.peak_kb), str(one.end_kb)
        if self.least:
            low = self.least[self._played.index(one)]
            peak, end = f"{low.peak_kb} to {peak}", f"{low.end_kb} to {end}"
        said = f"{one.scheme}: at most {peak} kB, at the end {end} kB"
        if one.later_kb != one.end_kb:
            said += f", {one.later_kb} kB after its work in the background"
        base = next((each for each in self if each.scheme == "unmap_only"), None)
        if base is not None and base is not one:
            less = base.end_kb - one.later_kb
            compared = f"{less} kB less than" if less else "as much as"
            said += f"; {compared} if only munmap frees tables"
            if not self.least:
                said += f". {price(one.costs, base.costs).removesuffix('.')}"
        missed = "; ".join(f"{n} x {what}" for what, n in one.trouble.items())
        return f"{said}." + (f" Not played: {missed}." if missed else "")

    def chart(self) -> Panels:
        """VmPTE of all processes together over time: measured, and one picture for each design."""
        seconds = self.clock / 1e9
        measured = f"peak {self.real_peak_kb} kB, end {self.real_end_kb} kB"
        lines = [("measured", self.real_total, measured)]
        for one in self:
            lines.append((one.scheme, one.total, f"peak {one.peak_kb} kB, end {one.end_kb} kB"))
        series = [
            Series(name, list(zip(seconds.tolist(), kb.tolist(), strict=True)), note)
            for name, kb, note in lines
        ]
        return Panels(f"VmPTE: {self.trace.title}", "seconds", "VmPTE in kB", series)

    def _repr_html_(self) -> str:
        if not self.trace.samples:
            return f"<pre>{escape(str(self))}</pre>"
        head = "<th>design</th><th>peak kB</th><th>end kB</th><th>equal samples</th>"
        rows = "".join(
            f"<tr><td>{one.scheme}</td><td>{one.peak_kb:,}</td><td>{one.end_kb:,}</td>"
            f"<td>{self.equal(one):,} of {len(self.real):,}</td></tr>"
            for one in self
        )
        sentences = "".join(f"<li>{escape(said)}</li>" for said in self.sentences().values())
        return f"{self.chart().svg()}<table><tr>{head}</tr>{rows}</table><ul>{sentences}</ul>"

    def __str__(self) -> str:
        return "\n".join(
            [str(self.trace), *(wrapped(said, rest="  ") for said in self.sentences().values())]
        )

    def __repr__(self) -> str:
        return f"<replay of {self.trace!r} under {', '.join(one.scheme for one in self)}>"


def replay(
    recording: Trace | str | os.PathLike[str], *schemes: Scheme, parallel: bool = False
) -> Replay:
    """Play a recording under `schemes`, all nine if none is named.

    `recording` is the name of a recording that ptlab carries (`CARRIED`), a file that `ptlab trace`
    has written, or the text of `strace -f -ttt`; then the results are bounds (`strace.py` says
    which). All designs run on Linux 6.18, so only the designs differ. `parallel` uses all
    processors. BadTrace (a ValueError) for a broken file; OSError if there is none; ValueError for
    an unknown design.
    """
    trace = recording if isinstance(recording, Trace) else _read(Path(recording))
    chosen: Sequence[Scheme] = schemes or tuple(SCHEMES)
    played = _all(trace, chosen, parallel)
    if not trace.bounds:
        return Replay(trace, played)
    untouched = Trace(trace.rows[trace.rows["op"] != Op.TOUCH], trace.about)
    return Replay(trace, played, _all(untouched, chosen, parallel))


def _read(path: Path) -> Trace:
    """A carried trace by its name, or one from a file of either kind."""
    if str(path) in {**CARRIED, **OLDER} and not path.exists():
        return carried(str(path))
    with path.open("rb") as file:
        head = file.read(200)
    if is_strace(head.decode(errors="replace")):
        trace = read_strace(path.read_text(errors="replace"))
        check_rows(trace.rows, str(path))
        return trace
    return read_trace(path)


def _all(trace: Trace, schemes: Sequence[Scheme], parallel: bool) -> list[Played]:
    """The trace under each design, on all processors if it is long."""
    count = workers(len(schemes))
    names = all(isinstance(one, str) for one in schemes)
    if not parallel or count == 1 or not names or len(trace.rows) < _SMALL:
        return [play(trace, one) for one in schemes]
    from concurrent.futures import ProcessPoolExecutor  # a browser has none

    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        return list(pool.map(partial(play, trace), schemes))
