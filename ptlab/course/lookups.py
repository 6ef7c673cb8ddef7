"""Questions that several notebooks ask the engine, each in one call."""

from __future__ import annotations

from typing import Any

from ptlab import scenario
from ptlab.base.facts import Lock
from ptlab.base.geometry import PMD_SHIFT, PTRS_PER_TABLE, Level
from ptlab.kernels import recorded
from ptlab.process.process import Process
from ptlab.schemes import PteRefcount


def vmpte_kb(program: str, scheme: str | None = None, kernel: str | None = None) -> int:
    """VmPTE in kB at the end of `program`, which is one scenario in the scenario language.

    Without a kernel it is the one that `Process` has by default; without a scheme, that kernel's own.

    >>> vmpte_kb("mmap s0 2M\\n touch w s0 2M\\n madvise DONTNEED s0 2M", "unmap_only")
    12
    """
    (parsed,) = scenario.parse(program)
    return int(scenario.run(parsed, scheme=scheme, kernel=kernel)[-1]["pte_kb"])


def after_loop(name: str, scheme: str) -> int:
    """VmPTE in kB after the loop of a recorded scenario, which is its operation `cover`."""
    rows: list[dict[str, Any]] = scenario.run(scenario.find(name), scheme=scheme)
    return next(int(row["pte_kb"]) for row in rows if row["op"].startswith("cover"))


def references(process: Process, address: int) -> int:
    """The reference count of the PTE page that maps `address`; 0 if there is none."""
    pmd, slot = process.mm.lookup(address, Level.PMD), _pmd_slot(address)
    if not pmd or process.mm.is_huge(pmd, slot):
        return 0
    page = process.mm.lookup(address, Level.PTE)
    return int(process.machine.mem.refcount[page]) if page else 0


def references_over_time(process: Process, address: int) -> list[int]:
    """That count before the first step and after each: the journal can go back and forth.

    ValueError if the process keeps no journal.
    """
    if process.journal is None:
        raise ValueError("references_over_time: this process was made with record=False")
    counts = []
    for position in range(len(process.journal) + 1):
        process.journal.seek(position)
        counts.append(references(process, address))
    return counts


def try_get(process: Process, address: int) -> str:
    """What pte_try_get() of the series of 2021 answers to a visitor of `address`, by its name there.

    ValueError if the design of the process has no such function.
    """
    scheme = process.scheme
    if not isinstance(scheme, PteRefcount):
        raise ValueError(f"try_get: {scheme.name} has no pte_try_get()")
    pmd = process.mm.lookup(address, Level.PMD)
    path = scheme.pte_try_get(process.mm, pmd, _pmd_slot(address))
    while True:
        try:
            next(path)
        except StopIteration as end:
            return str(end.value.name)


def lock_mode(process: Process, call: str, name: str = "mmap_lock") -> str:
    """The mode, such as "read", in which the first operation that begins with `call` took a lock.

    ValueError if the process keeps no journal, has made no such call, or if the call took no such lock.
    """
    if process.journal is None:
        raise ValueError("lock_mode: this process was made with record=False")
    for operation in process.journal.operations:
        if operation.text.startswith(call):
            for step in process.journal.steps[operation.first : operation.last]:
                if isinstance(step.fact, Lock) and step.fact.name == name:
                    return step.fact.mode
    raise ValueError(f"lock_mode: no call of {call!r} took {name}")


def on_linux(kernel: str, name: str) -> str:
    """What a real kernel did in a recorded scenario: VmPTE after each operation, a line for each.

    ValueError if that kernel has not run it.
    """
    trace = next((trace for trace in recorded(kernel) if trace.scenario == name), None)
    if trace is None:
        raise ValueError(f"on_linux: Linux {kernel} has no recording of {name!r}")
    rows = [f"{step['pte_kb']:8} kB  after  {step['op']}" for step in trace.steps]
    return "\n".join([f"Linux {trace.release}, recorded:", *rows])


def _pmd_slot(address: int) -> int:
    return address >> PMD_SHIFT & PTRS_PER_TABLE - 1
