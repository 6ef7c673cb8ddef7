"""The face of the simulator: a process, and its system calls under their names.

Read memory_calls (mmap, touch, madvise, ...), process (Process, which has them, and its forks and
files), then arguments (what a person has given, checked), calls (the calls as data, which a text can ask
for again), run_path (how a kernel path is taken to its end, with a journal or without) and walk (what
the MMU does with an address).

The one idea: a call checks what a person has given, hands the work to a kernel path, and lets a
grace period pass. What the call did is in the journal, step by step.

It may use every floor beneath it. It knows nothing of scenarios, stories or notebooks.
"""
