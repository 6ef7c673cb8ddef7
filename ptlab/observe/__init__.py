"""A running process: what its page tables are made of.

Read mappings (/proc/PID/maps), pagemap (which pages have an entry), tables (the tables that must
exist for these entries), observation (the account of VmPTE, and how it is shown), observe (one look
at a process, repeated until it held still), locate (where empty tables are, by time), rebuild (the
same process in the simulator), advice (what could be gained), metrics and every_process (a fleet's
figures, a whole machine).

The one idea: VmPTE = tables with an entry + one deposited table for each anonymous huge page + empty
tables. The first two are seen and the sum is known, so the empty ones are the difference.

Linux on x86-64 only. Nothing here writes into another process or changes a setting of the kernel.
"""

from ptlab.observe.observation import Observation
from ptlab.observe.observe import CannotObserve, observe

__all__ = ["CannotObserve", "Observation", "observe"]
