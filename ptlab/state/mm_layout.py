"""Where the parts of an address space are, and what its new mappings begin with.

Kernel source: include/linux/mm_types.h, struct mm_struct: start_brk, brk, mmap_base, def_flags (Linux
6.12).
"""

from __future__ import annotations

from ptlab.base.store import Store

MMAP_BASE = 0x7FFF_F7FF_F000
START_BRK = 0x5555_5556_0000
"""Where the mappings of a program end, and where its heap begins, without ASLR."""


class Layout:
    """Of one address space.

    mmap_base  the kernel looks for room from here on downwards
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._def_flags = [0]
        self._brk = [START_BRK, START_BRK]
        self.mmap_base = MMAP_BASE

    @property
    def def_flags(self) -> int:
        """The vm_flags that every new mapping gets: VM_LOCKED after mlockall(MCL_FUTURE)."""
        return self._def_flags[0]

    def set_def_flags(self, flags: int) -> None:
        """Give new mappings these flags."""
        self._store.put(self, "_def_flags", 0, flags)

    @property
    def start_brk(self) -> int:
        """Where the heap begins."""
        return self._brk[0]

    @property
    def brk(self) -> int:
        """The program break: the heap ends there."""
        return self._brk[1]

    def set_brk(self, brk: int) -> None:
        """Move the program break."""
        self._store.put(self, "_brk", 1, brk)

    def set_heap(self, start: int, brk: int) -> None:
        """The heap begins at `start` and ends at `brk` (prctl(PR_SET_MM), or fork)."""
        self._store.put(self, "_brk", 0, start)
        self.set_brk(brk)

    def inherit(self, parent: Layout) -> None:
        """fork: the child has the same layout; mlockall is not inherited."""
        self.set_heap(parent.start_brk, parent.brk)
        self.mmap_base = parent.mmap_base
