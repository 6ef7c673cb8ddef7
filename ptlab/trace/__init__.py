"""A real program's memory calls, recorded, and played under every design.

Read rows (what a trace is made of), file_format (how it lies in a file). Then the recorder: tracing
(ptrace), seccomp, calls (a system call as a row), space (which entries of a process are known),
looks, faults (page faults, for root), notes (what is written down), flight (one call), recorder (the
loop), record and attach. strace reads another program's text. Then player (a row on simulated
processes), strides (touches that are served together), playing (a trace under one design), replay
(under every design, beside the real VmPTE), carried (the recordings of the package), perfetto (a
replay for another viewer) and drops (in which pieces memory was given back).

The one idea: between two calls, page-table entries only come. So the recorder looks at a range just
before a call takes it away, and at everything now and then. This shows every entry that ever was.

Linux on x86-64 records; every machine replays. Nothing here writes into another process.
"""

from ptlab.trace.carried import CARRIED, carried
from ptlab.trace.drops import dropped
from ptlab.trace.playing import process_at
from ptlab.trace.replay import Replay, replay

__all__ = ["CARRIED", "Replay", "carried", "dropped", "process_at", "replay"]
