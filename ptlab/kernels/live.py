"""The kernel that is running: what it is, and what it does in a scenario."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from ptlab.base.geometry import PMD_SIZE
from ptlab.base.kernel_versions import PROFILES
from ptlab.kernels.recorder import pool
from ptlab.scenario import Operation, Row, Scenario, parse
from ptlab.scenario.operation import Span
from ptlab.scenario.operations.files import MakeFile
from ptlab.scenario.operations.hugetlb import HugePages, ThpSetting
from ptlab.scenario.operations.processes import Exec, Vfork

# All objects of the recorder come from one heap, which never shrinks and never has to grow.
_ONE_HEAP = {
    "PYTHONMALLOC": "malloc",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(1 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}
_SETTINGS = Path("/sys/kernel/mm/transparent_hugepage")
_OLDEST = (5, 14)  # MADV_POPULATE_WRITE, by which the recorder puts its memory in place


class NoKernel(Exception):
    """Nothing can be recorded here; the message says why."""


class RecorderError(Exception):
    """A recording failed; the message says what happened."""


class Recorder:
    """Plays scenarios on this machine's kernel, each in a fresh process. A context manager."""

    def __init__(self) -> None:
        require_kernel()
        self._server = subprocess.Popen(
            [sys.executable, "-P", "-S", "-m", "recorder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **_ONE_HEAP, "PYTHONPATH": str(Path(__file__).parent)},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if error:
            self._server.kill()
        self._server.communicate()
        pool.put_back()

    def play(self, scenario: Scenario) -> list[Row]:
        """Play a scenario once; the rows are those of a recorded trace."""
        _require_files(scenario)
        _refuse_exec_in_vfork(scenario)
        lacking = lacks_pool(scenario)
        if lacking:
            raise RecorderError(f"{scenario.name}: {lacking}")
        asked, answers = self._server.stdin, self._server.stdout
        assert asked
        assert answers
        job = {
            "ops": list(_as_data(scenario.ops)),
            "watch": watched(scenario),
            "anywhere": any(op.kernel_chooses for op in scenario.ops),
            "directory": tempfile.gettempdir(),
        }
        asked.write(json.dumps(job) + "\n")
        asked.flush()
        rows = []
        for line in answers:
            row = json.loads(line)
            if "op" in row:
                rows.append(row)
            elif row.get("drift_kb") == 0:
                return rows
            elif "drift_kb" in row:
                raise RecorderError(
                    f"{scenario.name}: the recorder's own tables changed by {row['drift_kb']} kB "
                    "while it measured, so its numbers would be wrong"
                )
            else:
                break
        raise RecorderError(f"{scenario.name}: the recorder ended before the scenario did")

    def record(self, scenario: Scenario, times: int) -> list[Row]:
        """Play a scenario several times. A field in which they do not agree is None in its row,
        and `row["unstable"]` has its values, by the field's name.
        """
        return agreed([self.play(scenario) for _ in range(times)])


def agreed(plays: list[list[Row]]) -> list[Row]:
    """The rows of several plays as one (see Recorder.record)."""
    rows = []
    for same in zip(*plays, strict=True):
        values = {field: [row[field] for row in same] for field in same[0]}
        unstable = {field: each for field, each in values.items() if each != each[:1] * len(each)}
        row = same[0] | dict.fromkeys(unstable)
        rows.append(row | ({"unstable": unstable} if unstable else {}))
    return rows


def _refuse_exec_in_vfork(scenario: Scenario) -> None:
    """The recorder's vfork child runs in the recorder's own interpreter, and must come back."""
    for place, op in enumerate(scenario.ops):
        theirs = scenario.ops[place + 1 : place + 1 + op.count] if isinstance(op, Vfork) else ()
        if any(isinstance(one, Exec) for one in theirs):
            raise RecorderError(
                f"{scenario.name}: an exec in the child of a vfork cannot be recorded"
            )


def _require_files(scenario: Scenario) -> None:
    made = set[str]()
    for op in scenario.ops:
        if isinstance(op, MakeFile):
            made.add(op.name)
        elif op.file_used is not None and op.file_used not in made:
            raise RecorderError(
                f"{scenario.name}, line {op.line}, {op.text!r}: no file op made {op.file_used!r} before"
            )


def _as_data(ops: Iterable[Operation]) -> Iterator[dict[str, Any]]:
    """What the recorder does for each operation."""
    for op in ops:
        at = op.repeats()
        yield {"text": op.text, "calls": op.system_calls(), "at": [at.start, at.stop, at.step]}


def watched(scenario: Scenario) -> list[Span]:
    """Where entries can arise: the 2 MiB around every page that an op faults in or moves to.

    With huge pages of 1 GiB it is 1 GiB, and where mappings may share PMD pages.
    """
    spans = set[Span]()
    chunk = max((op.reach for op in scenario.ops), default=PMD_SIZE)
    locked = any(op.locks for op in scenario.ops)
    for op in scenario.ops:
        new = list(op.fills(spans, locked))
        spans |= {(start & -chunk, -(-end // chunk) * chunk) for start, end in new}
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def needs_huge_pages(scenario: Scenario) -> bool:
    """Whether its rows depend on how huge pages are set on the machine."""
    return any(op.needs_huge_pages for op in scenario.ops)


def lacks_pool(scenario: Scenario) -> str:
    """Why huge pages cannot be set here as the scenario wants them, its pools above all; or nothing."""
    pools = {op.huge_page_size for op in scenario.ops} - {0}
    for size in pools:
        setting = Path(pool.SETTINGS, f"hugepages-{size >> 10}kB", "nr_hugepages")
        if not os.access(setting, os.W_OK):
            return f"it sets {setting}, which is not there or takes root"
        if used := pool.in_use(size):
            return f"it sets {setting}, and {used} of these pages are in use already"
    for op in scenario.ops:
        if isinstance(op, ThpSetting) and not os.access(_SETTINGS / op.setting, os.W_OK):
            return f"it sets {_SETTINGS / op.setting}, which is not there or takes root"
    room = int(re.findall(r"MemAvailable:\s*(\d+)", Path("/proc/meminfo").read_text())[0]) << 10
    wanted = sum(op.pool_bytes for op in scenario.ops)
    return f"it wants {wanted >> 20} MiB of huge pages" if 2 * wanted > room else ""


def beside_promises(scenario: Scenario) -> Scenario:
    """The scenario with pools so large that what this machine has promised before stays promised.

    Linux can keep a promise for somebody who has long ended (docs/what_is_left_out.md).
    """
    lost, ops = dict[int, int](), list[Operation]()
    for op in scenario.ops:
        if isinstance(op, HugePages):
            first = op.size not in lost
            more = lost.setdefault(op.size, pool.promised(op.size))
            op = replace(op, count=op.count + more, lost=more if first else 0)
        ops.append(op)
    return replace(scenario, ops=tuple(ops))


def why_not(scenario: Scenario, kernel: Kernel) -> str:
    """Why what it does here says nothing about ptlab's recordings, or cannot be played; or nothing."""
    if needs_huge_pages(scenario) and not kernel.like_the_recordings:
        return kernel.huge_pages_text
    return lacks_pool(scenario)


def require_kernel() -> None:
    """Raise NoKernel where the recorder cannot work."""
    system = f"{platform.system()} on {platform.machine()}"
    if system != "Linux on x86_64":
        raise NoKernel(f"this is {system}: recording needs Linux on x86-64")
    if version() < _OLDEST:
        raise NoKernel(f"this is Linux {platform.release()}: recording needs 5.14 or newer")


class Kernel(NamedTuple):
    """The kernel of this machine.

    release     what `uname -r` says
    name        its version: "6.18"
    profile     the nearest profile of ptlab that is not newer, None if all are
    scheme      what its MADV_DONTNEED turned out to do: "pt_reclaim" or "unmap_only"
    levels      4 or 5 levels of page tables
    thp         the setting of transparent huge pages: "always", "madvise" or "never"
    shmem_thp   the same for shared memory
    """

    release: str
    name: str
    profile: str | None
    scheme: str
    levels: int
    thp: str
    shmem_thp: str

    @property
    def like_the_recordings(self) -> bool:
        """Whether huge pages are set as they were when ptlab's own recordings were made."""
        return (self.thp, self.shmem_thp) == ("madvise", "never")

    @property
    def huge_pages_text(self) -> str:
        """How the machine's setting of huge pages differs from that of the recordings."""
        return (
            f"transparent huge pages are set to {self.thp}, those of shared memory to "
            f"{self.shmem_thp}; ptlab's recordings were made with madvise and never"
        )


def this_kernel(recorder: Recorder) -> Kernel:
    """Look at the kernel that `recorder` runs on."""
    (probe,) = parse("mmap s0 2M\ntouch w s0 2M\nmadvise DONTNEED s0 2M", "probe")
    _, filled, dropped = recorder.play(probe)
    not_newer = [name for name in PROFILES if _numbers(name) <= version()]
    return Kernel(
        platform.release(),
        "{}.{}".format(*version()),
        max(not_newer, key=_numbers, default=None),
        "pt_reclaim" if dropped["pte_kb"] < filled["pte_kb"] else "unmap_only",
        5 if re.search(r"\bla57\b", Path("/proc/cpuinfo").read_text()) else 4,
        pool.thp("enabled"),
        pool.thp("shmem_enabled"),
    )


def modelled_kernel(recorder: Recorder) -> Kernel:
    """This machine's kernel, if it has a profile to be compared with; else NoKernel."""
    kernel = this_kernel(recorder)
    if kernel.profile is None:
        oldest = min(PROFILES, key=_numbers)
        raise NoKernel(f"this is Linux {kernel.release}: ptlab models {oldest} and newer")
    return kernel


def has_swap() -> bool:
    """Whether MADV_PAGEOUT has somewhere to put pages here. Which of them leave is chance."""
    swaps = Path("/proc/swaps")
    return swaps.is_file() and len(swaps.read_text().splitlines()) > 1


def huge_pages_refused() -> int:
    """How often this machine had no huge page for somebody since it started."""
    words = ("thp_fault_fallback ", "thp_file_fallback ", "thp_collapse_alloc_failed ")
    lines = Path("/proc/vmstat").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(words))


def version() -> tuple[int, ...]:
    """The running kernel's version, like (6, 18)."""
    return _numbers(platform.release())


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release)[:2])
