"""Process: a program with an address space on a simulated machine. The face of the engine."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from ptlab.base.errors import Corruption, unknown
from ptlab.base.geometry import PMD_SIZE
from ptlab.base.kernel_versions import profile
from ptlab.base.steps import Path
from ptlab.draw.names import plural
from ptlab.paths.exec import do_vfork, exec_mmap, mmput
from ptlab.paths.fork import dup_mmap
from ptlab.paths.shmem_huge import written_huge
from ptlab.paths.truncate import FALLOC_FL_PUNCH_HOLE, do_truncate, vfs_fallocate
from ptlab.process.arguments import call_text, file_range, huge_page_size, whole_number
from ptlab.process.calls import Noted, noted
from ptlab.process.memory_calls import MemoryCalls
from ptlab.process.run_path import recorded, then_grace_period, unrecorded
from ptlab.schemes import ReclaimScheme, scheme_class
from ptlab.state.counters import Counters, counters
from ptlab.state.invariants import check, leaked
from ptlab.state.journal import Journal, Operation
from ptlab.state.machine import GRAINS, Machine
from ptlab.state.mm import Mm
from ptlab.state.page_cache import File, known, new_file

T = TypeVar("T")

THP_MODES = ("always", "madvise", "never")
"""What transparent_hugepage/enabled can be."""

SHMEM_MODES = ("always", "within_size", "advise", "never")
"""What transparent_hugepage/shmem_enabled can be; "deny" and "force" are left out."""


class Process(MemoryCalls):
    """One process. Every method runs a kernel path to its end and journals its steps.

    scheme  "unmap_only", "pte_refcount", "pt_reclaim" or a ReclaimScheme subclass
    kernel  "6.1", "6.12", "6.18", "6.19" or "7.3"; without `scheme` it runs what that kernel ships
    levels  4 or 5 levels of page tables
    grain   how much one step covers: "entry", "table" or "range"
    record  keep the journal (for stepping back); a long run at coarse grain may do without
    swap    the machine has a swap device, so that MADV_PAGEOUT has somewhere to put pages

    Methods raise KernelError with Linux's errno, NotModelled, or ValueError for invalid arguments.
    """

    _exited = False

    def __init__(
        self,
        scheme: str | type[ReclaimScheme] | None = None,
        kernel: str | None = None,
        levels: int = 4,
        grain: str = "entry",
        record: bool = True,
        swap: bool = False,
    ) -> None:
        chosen = None if scheme is None else scheme_class(scheme)
        if kernel is not None and not isinstance(kernel, str):
            raise ValueError(f'kernel {kernel!r}: name it as text, kernel="{kernel}"')
        found = profile(kernel or (chosen.kernel if chosen else "6.18"))
        chosen = chosen or scheme_class(found.scheme)
        self.machine = Machine(found, chosen(), levels, grain, record)
        self.machine.swap = swap
        self.mm = Mm(self.machine)
        self.journal = Journal(self.machine.store) if record else None
        self.noted: list[Noted] = []
        """The calls of all processes of the machine, while a journal is kept."""

    @classmethod
    def _child(cls, parent: Process, mm: Mm) -> Process:
        """Another process on the same machine, with the same journal."""
        child = cls.__new__(cls)
        child.machine, child.mm, child.journal = parent.machine, mm, parent.journal
        child.noted = parent.noted
        return child

    @property
    def scheme(self) -> ReclaimScheme:
        """The reclaim scheme this machine runs."""
        scheme: ReclaimScheme = self.machine.scheme
        return scheme

    @property
    def kernel(self) -> str:
        """Name of the kernel profile."""
        return self.machine.profile.name

    # -- files --

    @noted
    def hugepages(self, count: int, size: int = PMD_SIZE) -> None:
        """Have `count` huge pages in the machine's pool (vm.nr_hugepages), of 2 MiB or 1 GiB."""
        pool = self.machine.hugetlb.hstates[huge_page_size("hugepages", size)]
        count = whole_number("hugepages", "count", count)
        used = pool.nr_huge_pages - pool.available
        if count < used:
            raise ValueError(f"hugepages: {used} {pool} are in use or promised; {count} is too few")
        pool.resize(count)
        if self.journal is not None:
            self.journal.settle_between()

    @noted
    def thp_enabled(self, mode: str) -> None:
        """Which memory gets huge pages at a fault: "always" all, "madvise" what asks for it, "never"."""
        if mode not in THP_MODES:
            raise unknown("mode", mode, THP_MODES)
        self._set_thp(0, mode)

    @noted
    def shmem_enabled(self, mode: str) -> None:
        """Which shared memory gets huge pages: "always" all, "never", and in between
        "within_size" what lies within its file and what asks for it, "advise" what asks for it.
        """
        if mode not in SHMEM_MODES:
            raise unknown("mode", mode, SHMEM_MODES)
        self._set_thp(1, mode)

    def _set_thp(self, which: int, mode: str) -> None:
        self.machine.store.put(self.machine, "_thp", which, mode)
        if self.journal is not None:
            self.journal.settle_between()

    @noted
    def file(self, size: int, kind: str = "memfd", filled: bool = False, hugetlb: int = 0) -> File:
        """A new file of `size` bytes: "memfd" (tmpfs) or "disk"; `filled`: all in the page cache.

        `hugetlb`: of huge pages of this size (MFD_HUGETLB).
        """
        size = whole_number("file", "size", size)
        if kind not in ("memfd", "disk") or size < 0:
            raise ValueError(
                f"file: kind {kind!r} must be 'memfd' or 'disk', size {size} not below 0"
            )
        huge = hugetlb and huge_page_size("file", hugetlb)
        if huge and (filled or kind != "memfd" or size % huge):
            raise ValueError("file: one of huge pages is an empty memfd of whole huge pages")
        pages = written_huge(self.machine, size) if filled and kind == "memfd" else 0
        kind = "hugetlb" if huge else kind
        file = new_file(self.machine, size, kind, filled, huge, huge=pages)
        if self.journal is not None:
            self.journal.settle_between()  # it is there from now on, not from the next step on
        return file

    @noted
    def truncate(self, file: File, size: int) -> None:
        """ftruncate(): pages beyond the new end go, out of every mapping too."""
        file, size = known("truncate", file, self.machine), whole_number("truncate", "size", size)
        self._run("ftruncate", do_truncate(self.machine, file, size), None, size)

    @noted
    def punch(self, file: File, offset: int, length: int) -> None:
        """fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)."""
        file = known("punch", file, self.machine)
        offset, length = file_range("punch", offset, length)
        path = vfs_fallocate(self.machine, file, FALLOC_FL_PUNCH_HOLE, offset, length)
        self._run("punch", path, offset, length)

    @noted
    def allocate(self, file: File, offset: int, length: int) -> None:
        """fallocate(): bring a range into being."""
        file = known("allocate", file, self.machine)
        offset, length = file_range("allocate", offset, length)
        path = vfs_fallocate(self.machine, file, 0, offset, length)
        self._run("fallocate", path, offset, length)

    # -- processes --

    @noted
    def fork(self) -> Process:
        """A child on the same machine: same VMAs, copied tables, shared pages."""
        return self._child(self, self._run("fork", dup_mmap(self.mm), None, 0))

    @noted
    def vfork(self) -> Process:
        """A child in the same address space, until it calls exec() or exit(): clone() with CLONE_VM.

        Linux lets the parent wait until then. Here both can run.
        """
        return self._child(self, self._run("vfork", do_vfork(self.mm), None, 0))

    @noted
    def exec(self) -> None:
        """execve(): an empty address space takes the place of the old one. The journal names both."""
        self.mm = self._run("exec", exec_mmap(self.mm), None, 0)

    @noted
    def exit(self) -> None:
        """The process ends: its address space is taken down, unless another one runs in it too."""
        self._run("exit", mmput(self.mm), None, 0)
        self._exited = True

    @noted
    def background(self) -> None:
        """Time passes, or somebody asks for page tables: what the scheme does on its own, it does.

        It does so in all processes of the machine.
        `async_scan` scans everything once; `mapped_count` frees what it can, as after a write to
        /proc/sys/vm/free_ptes. The others do nothing.
        """
        self._run("background", self._background(), None, 0)

    def _background(self) -> Path[None]:
        for mm in self.machine.mms:
            yield from self.scheme.background(mm)

    # -- looking: what draws is loaded when somebody looks --

    @property
    def counters(self) -> Counters:
        """The counters of the address space now. O(1)."""
        return counters(self.mm)

    def check(self) -> None:
        """Raise Corruption if the simulated state breaks a rule; see ptlab.state.invariants."""
        check(self.mm)
        if not self.machine.others.several and (self.journal is None or self.journal.at_rest):
            lost = leaked(self.machine.mem)
            if lost:
                more = f"; so have {len(lost) - 1} more" if len(lost) > 1 else ""
                raise Corruption(f"{lost[0]}{more}")

    def __str__(self) -> str:
        from ptlab.draw.text_tree import text

        return text(self.mm)

    def __repr__(self) -> str:
        held = f"VmPTE {self.mm.vmpte_kb} kB, RSS {self.counters.rss_kb} kB"
        vmas = plural(len(self.mm.vmas), "VMA")
        return f"<Process on Linux {self.kernel} with {self.scheme.name}: {held}, {vmas}>"

    def _repr_svg_(self) -> str:
        from ptlab.draw.dot import svg
        from ptlab.draw.tree import tree

        return svg(tree(self.mm))

    def _repr_html_(self) -> str:
        from ptlab.draw.text_tree import head
        from ptlab.draw.theme import themed

        return themed(self._repr_svg_(), head(self.mm))

    # -- time --

    def keep_journal(self, grain: str = "table") -> None:
        """Keep a journal from here on, at this grain, where there was none: for a long run's end.

        What was done before cannot be stepped back. ValueError if there is a journal already, or no
        such grain.
        """
        if self.journal is not None:
            raise ValueError("keep_journal: this process keeps a journal already")
        if grain not in GRAINS:
            raise unknown("grain", grain, GRAINS)
        self.machine.grain = grain
        self.machine.store.log = []
        self.journal = Journal(self.machine.store)

    def operation(self, text: str) -> AbstractContextManager[Operation | None]:
        """Group calls under one name in the journal."""
        return nullcontext() if self.journal is None else self.journal.operation(text, self.mm.id)

    def _run(self, call: str, path: Path[T], where: int | None, length: int, *rest: object) -> T:
        """Run a kernel path to its end, then let a grace period pass."""
        if self._exited or self.mm not in self.machine.mms:
            raise ValueError(f"{call}: this process has exited")
        result: list[T] = []
        steps = then_grace_period(self.mm, path, result)
        if self.journal is None:
            unrecorded(self.machine, steps)
        else:
            recorded(self.journal, steps, call_text(call, where, length, *rest), self.mm.id)
        return result[0]
