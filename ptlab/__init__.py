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
