"""A real program's memory calls, recorded, and played under every design.

Read rows (what a trace is made of), file_format (how it lies in a file). Then the recorder: tracing
(ptrace), seccomp, calls (a system call as a row), space (which entries of a process are known),
record (the loop). Then player (a trace on a simulated process), replay (under every design, beside
the real VmPTE).

The one idea: between two calls, page-table entries only come. So the recorder looks at a range just
before a call takes it away, and at everything now and then. This shows every entry that ever was.

Linux on x86-64 records; every machine replays. Nothing here writes into another process.
"""

from ptlab.trace.replay import Replay, replay

__all__ = ["Replay", "replay"]
