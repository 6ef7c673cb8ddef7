"""ptlab: page tables to step through, break, measure, and check against real kernels.

>>> from ptlab import Process, MiB, MADV_DONTNEED
>>> p = Process(scheme="pte_refcount")
>>> heap = p.mmap(4 * MiB)
>>> p.touch(heap)
1024
>>> p.madvise(heap, MADV_DONTNEED)
>>> p.counters.pte
0
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ptlab.base.errors import BusError, Corruption, KernelError, NotModelled, SegmentationFault
    from ptlab.base.geometry import GiB, KiB, MiB, TiB
    from ptlab.classroom import ask, check, practice, student
    from ptlab.costs.measure import designs, measure
    from ptlab.observe import observe
    from ptlab.paths.madvise import MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE
    from ptlab.process.process import Process
    from ptlab.process.walk import Walk, walk
    from ptlab.race.all_scenes import races
    from ptlab.race.interactive import Race, race
    from ptlab.schemes import SCHEMES, ReclaimScheme
    from ptlab.story.story import Comparison, Story, compare, open_link, story
    from ptlab.trace import replay

__version__ = "0.1.0"

# In the order in which a learner meets them; the linter's rule on sorting is off for this file.
__all__ = [
    "Process",
    "KiB",
    "MiB",
    "GiB",
    "TiB",
    "MADV_DONTNEED",
    "MADV_DONTNEED_LOCKED",
    "MADV_FREE",
    "story",
    "Story",
    "open_link",
    "compare",
    "Comparison",
    "SCHEMES",
    "ReclaimScheme",
    "measure",
    "designs",
    "race",
    "Race",
    "races",
    "observe",
    "replay",
    "walk",
    "Walk",
    "student",
    "practice",
    "ask",
    "check",
    "KernelError",
    "SegmentationFault",
    "BusError",
    "NotModelled",
    "Corruption",
]

_MODULES = {
    "ptlab.base.errors": "BusError Corruption KernelError NotModelled SegmentationFault",
    "ptlab.base.geometry": "GiB KiB MiB TiB",
    "ptlab.classroom": "ask check practice student",
    "ptlab.costs.measure": "designs measure",
    "ptlab.observe": "observe",
    "ptlab.paths.madvise": "MADV_DONTNEED MADV_DONTNEED_LOCKED MADV_FREE",
    "ptlab.process.process": "Process",
    "ptlab.process.walk": "Walk walk",
    "ptlab.race.all_scenes": "races",
    "ptlab.race.interactive": "Race race",
    "ptlab.schemes": "SCHEMES ReclaimScheme",
    "ptlab.story.story": "Comparison Story compare open_link story",
    "ptlab.trace": "replay",
}
"""Where each name is. Its module is loaded when somebody asks for the name."""

_WHERE = {name: module for module, names in _MODULES.items() for name in names.split()}


class _Package(ModuleType):
    """Loads a name when it is asked for: who steps through a fault does not wait for the races.

    `ptlab.story`, `ptlab.race` and `ptlab.observe` are functions, and also folders. Python would put the
    folder under the name when it loads a file of it; here the name stays the function's.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in _WHERE:
            raise AttributeError(f"module 'ptlab' has no attribute {name!r}")
        found = getattr(import_module(_WHERE[name]), name)
        setattr(self, name, found)
        return found

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _WHERE or not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_WHERE})


sys.modules[__name__].__class__ = _Package
