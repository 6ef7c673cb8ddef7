"""How much memory the page tables of a process take, and for how long.

The simulator has no clock. It counts page faults instead.
"""

from __future__ import annotations

from ptlab.state.mm import Count, Mm

FAULT_US = 800 / 512
"""One page fault and its share of the zap, in microseconds: 512 faults and one MADV_DONTNEED of 2
MiB took 796 to 810 us on Linux 6.18 (2 CPUs, a virtual machine). The clock of MemoryTime."""


class MemoryTime:
    """How much memory the page tables of `mm` take, and for how long: VmPTE over page faults.

    `track` is [page faults so far, VmPTE in kB] at every change; faults are counted from the
    beginning of the measurement.
    """

    def __init__(self, mm: Mm) -> None:
        self._mm = mm
        self._began = mm.counters[Count.MINFLT]
        self.peak_kb = mm.vmpte_kb
        self.track: list[tuple[int, int]] = [(0, self.peak_kb)]
        self._kb_faults = 0

    def follow(self) -> None:
        """VmPTE may have changed."""
        kb = self._mm.vmpte_kb
        then, before = self.track[-1]
        if kb == before:
            return
        faults = self.faults
        self._kb_faults += before * (faults - then)
        self.peak_kb = max(self.peak_kb, kb)
        if faults == then:
            self.track[-1] = (then, kb)
        else:
            self.track.append((faults, kb))

    @property
    def faults(self) -> int:
        """Page faults so far."""
        return self._mm.counters[Count.MINFLT] - self._began

    @property
    def kb_ms(self) -> float:
        """VmPTE times how long it lasted, with FAULT_US for each page fault."""
        then, kb = self.track[-1]
        return (self._kb_faults + kb * (self.faults - then)) * FAULT_US / 1000

    @property
    def mean_kb(self) -> float:
        """VmPTE on average over the page faults."""
        return self.kb_ms * 1000 / FAULT_US / self.faults if self.faults else float(self.peak_kb)
