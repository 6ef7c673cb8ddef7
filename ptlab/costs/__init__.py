"""What a design costs, and what it saves.

Read meter (counts atomics, entries read, locks and flushes in the steps), memory_time (page-table
memory over page faults), workloads (programs that ask one question of a design each), measurement
and measure (one workload under several designs), findings and side_by_side (what the numbers say, in
words and tables). contention puts prices on the counts for many CPUs, long_walks for many tables.

The one idea: costs are counted in the same steps that a learner sees, so your own design is
measured in the same way.

It runs processes and reads their steps. It changes nothing in them.
"""
