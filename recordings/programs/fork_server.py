"""A server with 32 MiB of shared memory and 4 children, each of which uses a quarter of its pages."""

import mmap
import os

MiB = 1 << 20
shared = mmap.mmap(-1, 32 * MiB)
private = bytearray(16 * MiB)
children = []
for child in range(4):
    pid = os.fork()
    if not pid:
        for at in range(0, 32 * MiB, 16384):
            shared[at] = child
        private[:: 1 << 16] = bytes(len(private) >> 16)
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
