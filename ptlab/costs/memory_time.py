"""How much memory the page tables of all processes take, and for how long.

The simulator has no clock. It counts page faults instead.
"""

from __future__ import annotations

from ptlab.base.steps import Step
from ptlab.base.tables import first_of
from ptlab.state.counters import Counters, counters
from ptlab.state.machine import Machine
from ptlab.state.mm import Count, Mm

FAULT_US = 800 / 512
"""One page fault and its share of the zap, in microseconds: 512 faults and one MADV_DONTNEED of 2
MiB took 796 to 810 us on Linux 6.18 (2 CPUs, a virtual machine). The clock of MemoryTime."""


class MemoryTime:
    """VmPTE of all processes of a machine together, over their page faults.

    `track` is [page faults so far, VmPTE in kB] at every change; faults are counted from the
    beginning of the measurement.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._mms: dict[int, Mm] = {}
        self._noted: dict[int, tuple[int, int]] = {}
        self._kb = self.faults = 0
        self.settle()
        self.faults = 0
        self.peak_kb = self._kb
        self.track: list[tuple[int, int]] = [(0, self.peak_kb)]
        self._kb_faults = 0

    def follow(self, step: Step) -> None:
        """VmPTE of the process that has the tables of `step` may have changed. O(1)."""
        assert step.tables is not None
        of = self._machine.mem.mm.item(first_of(step.tables))
        if of not in self._mms:
            self._mms |= {mm.id: mm for mm in self._machine.mms}
        self._note(self._mms[of])
        then, before = self.track[-1]
        kb, faults = self._kb, self.faults
        if kb == before:
            return
        self._kb_faults += before * (faults - then)
        self.peak_kb = max(self.peak_kb, kb)
        if faults == then:
            self.track[-1] = (then, kb)
        else:
            self.track.append((faults, kb))

    def settle(self) -> None:
        """An operation has ended: count the page faults since the last change of VmPTE."""
        for mm in self._machine.mms:
            self._mms[mm.id] = mm
            self._note(mm)

    def _note(self, mm: Mm) -> None:
        kb, faults = mm.vmpte_kb, mm.counters[Count.MINFLT]
        kb_before, faults_before = self._noted.get(mm.id, (0, 0))
        self._noted[mm.id] = kb, faults
        self._kb += kb - kb_before
        self.faults += faults - faults_before

    @property
    def total(self) -> Counters:
        """The sums of the counters of all processes there are."""
        return Counters(*map(sum, zip(*map(counters, self._machine.mms), strict=True)))

    @property
    def kb_ms(self) -> float:
        """VmPTE times how long it lasted, with FAULT_US for each page fault."""
        then, kb = self.track[-1]
        return (self._kb_faults + kb * (self.faults - then)) * FAULT_US / 1000

    @property
    def mean_kb(self) -> float:
        """VmPTE on average over the page faults."""
        return self.kb_ms * 1000 / FAULT_US / self.faults if self.faults else float(self.peak_kb)
