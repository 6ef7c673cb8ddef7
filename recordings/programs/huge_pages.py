"""128 MiB of huge pages: some are split by small drops, some go whole. The argument slows it down."""

import mmap
import sys
import time

MiB = 1 << 20
PACE = float(sys.argv[1]) if sys.argv[1:] else 1
memory = mmap.mmap(-1, 130 * MiB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_HUGEPAGE)
for at in range(0, 130 * MiB, 1 << 16):
    memory[at] = 1
time.sleep(0.1 * PACE)
for at in range(0, 32 * MiB, 2 * MiB):
    memory.madvise(mmap.MADV_DONTNEED, at, MiB)
    time.sleep(0.02 * PACE)
for at in range(64 * MiB, 96 * MiB, 2 * MiB):
    memory.madvise(mmap.MADV_DONTNEED, at, 2 * MiB)
    time.sleep(0.02 * PACE)
memory.madvise(mmap.MADV_DONTNEED)
time.sleep(0.1 * PACE)
