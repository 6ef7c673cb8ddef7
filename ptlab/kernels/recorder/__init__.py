"""The recorder: plays scenarios on the kernel it runs on and reads what every op left behind.

A program, not a library: `live.py` starts it in an interpreter of its own that loads nothing else of
ptlab. It takes one scenario on each line of stdin, as JSON: its operations as lists of system calls.
It plays each scenario in a process of its own, and answers with one line for each row and a last line
that says how the scenario ended.

VmPTE and the fault counter belong to the whole process, so the interpreter must not build a table
or fault while it measures. Therefore all its memory is in place before the first op (`settle`), its
heap has room to spare (`live.py` sets malloc's options), and at the end of a scenario, when the
slots are unmapped, VmPTE has to be what it was at the beginning (`drift`).

Memory is touched by system calls that copy to or from it: the kernel takes the same page faults at
the same addresses, but a refused access is an EFAULT and no signal that would kill the process.
"""
