"""The operations of the scenario language, by what they work on.

Each is one class with everything about it: its syntax, an example, and how the simulator and the
recorder play it. docs/scenario_language.md lists them.
"""

from __future__ import annotations

from ptlab.scenario.operation import Operation
from ptlab.scenario.operations.files import Allocate, MakeFile, Punch, Truncate
from ptlab.scenario.operations.heap import Brk, Heap
from ptlab.scenario.operations.hugetlb import HugePages, ShmemEnabled, ThpEnabled
from ptlab.scenario.operations.locking import Mlock, Mlockall, Mseal, Munlock, Munlockall
from ptlab.scenario.operations.mappings import Mprotect, Mremap, Munmap
from ptlab.scenario.operations.memory import Cover, Madvise, MadviseEach, ProcessMadvise, Touch
from ptlab.scenario.operations.mmap import Mmap
from ptlab.scenario.operations.processes import EndFork, Exec, Fork, ForkInBackground, Nop, Vfork

OPERATIONS: dict[str, type[Operation]] = {
    operation.verb: operation
    for operation in (
        *(Mmap, Touch, Madvise, MadviseEach, ProcessMadvise, Munmap, Mprotect, Mlock, Munlock),
        *(Mlockall, Munlockall, Mseal, Mremap, Heap, Brk, HugePages, ThpEnabled, ShmemEnabled),
        *(
            MakeFile,
            Truncate,
            Punch,
            Allocate,
            Fork,
            ForkInBackground,
            EndFork,
            Vfork,
            Exec,
            Cover,
            Nop,
        ),
    )
}
"""By the first word of their line."""
