"""What there is: page-table pages, address spaces, locks, files, and the journal that undoes changes.

Read memmap (a row for each page-table page), entries and entry_runs (their 512 words each), mm and
vma (an address space and its areas), machine (what all processes share: locks, RCU, page frames),
page_cache, mmu_gather, counters; columns says how a column grows. Then scheme (the points at which a
design may act), others (what a path asks about other tasks), invariants (what must be true after
every step) and journal (time, forward and back).

The one idea: state is columns, only Store writes to them, and it logs each write.

It may not know what a system call does. The machine stands beneath the address spaces and the
designs; it holds them without knowing their types.
"""
