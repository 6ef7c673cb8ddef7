"""exec and vfork: whose an address space is, and when its last user has left it.

Kernel source: kernel/fork.c, copy_mm(), mmput(); fs/exec.c, exec_mmap() (Linux 6.12). Simplified: what
the new program itself maps (its text, stack and libraries) is not there.
"""

from __future__ import annotations

from ptlab.base.call_path import not_in_kernel
from ptlab.base.steps import Path
from ptlab.paths.fork import exit_mmap
from ptlab.state.mm import Mm


@not_in_kernel
def do_vfork(mm: Mm) -> Path[Mm]:
    """vfork(), clone() with CLONE_VM: one more task uses the same address space. Nothing is copied."""
    mm.use(1)
    yield from ()
    return mm


def mmput(mm: Mm) -> Path[None]:
    """A task leaves an address space; with the last one it is taken down."""
    if mm.use(-1) == 0:
        yield from exit_mmap(mm)


def exec_mmap(mm: Mm) -> Path[Mm]:
    """execve(): the task goes on in an empty address space, and leaves its old one."""
    new = Mm(mm.machine)
    yield from mmput(mm)
    return new
