"""A scene of memory that grows down."""

from __future__ import annotations

from ptlab.base.precautions import Precaution
from ptlab.base.steps import Kind
from ptlab.process.process import Process
from ptlab.race.scenes.scene import BASE, PAGE, Paths, Scene, Trial, Variant, read, write
from ptlab.schemes import UnmapOnly


def _stack(process: Process) -> Paths:
    stack = process.mmap(4 * PAGE, at=BASE, growsdown=True)
    process.touch(stack, PAGE)
    return {
        "write below the stack": write(process, stack - PAGE),
        "read the stack": read(process, stack + PAGE),
    }


stackrot = Scene(
    "stackrot",
    "CVE-2023-3269, StackRot: a page fault makes a stack longer while others look at its VMA",
    "the stack grows under mmap_lock for read",
    _stack,
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.STACK_LOCKED})),
    kernel="6.1",
    own_scheme=False,
    trial=Trial("a VMA changes", Kind.VMA),
    source="CVE-2023-3269, commit 8d7071af8907 (6.5)",
)

SCENES = (stackrot,)
