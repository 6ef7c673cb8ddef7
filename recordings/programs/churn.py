"""Blocks of all sizes come and go: 160 MiB at most, then a third of it for a while, then nothing.

Run with PYTHONMALLOC=malloc, so that every block is the allocator's own (the C library's, or one that
LD_PRELOAD puts in its place).
"""

import random
import time

random.seed(1)
MiB = 1 << 20
blocks = {}
size = number = 0
for most in (160 * MiB, 40 * MiB, 80 * MiB, 0):
    while size < most:
        block = bytearray(int(2 ** random.uniform(9, 17.5)))
        blocks[number] = block
        number += 1
        size += len(block)
    for key in random.sample(sorted(blocks), len(blocks)):
        if size <= most * 0.8:
            break
        size -= len(blocks.pop(key))
    time.sleep(0.2)
