"""What the kernel does: one path in a file, under the kernel's own names.

Read walk (find the PTE pages of a range), then fault, zap and madvise, which are the life of a PTE
page. table_alloc builds tables, pgtables frees them after munmap. mmap, mprotect, mremap, move,
mlock, fork, swap, cold_pages, thp, collapse, filemap, truncate, guard_regions and gup are a system
call or a kernel file each. access is the program that touches memory (touched says what came of it),
pieces cuts a range by the grain, recheck looks again at what another task may have changed.

The one idea: a path is a generator that yields a Step at each point where another CPU could run.
Stepping, running at scale, racing and time travel all use this one code.

A path never asks which design or view it serves: it calls the points of ReclaimScheme.
"""
