"""Running a kernel path to its end: with a journal or without, and what comes after every call."""

from __future__ import annotations

from typing import TypeVar

from ptlab.base.call_path import not_in_kernel
from ptlab.base.errors import KernelError
from ptlab.base.garbage import no_garbage
from ptlab.base.steps import Path
from ptlab.paths.hugetlb_mapping import fput_unmapped
from ptlab.state.journal import Journal
from ptlab.state.machine import Machine
from ptlab.state.mm import Mm
from ptlab.state.scheme import explained

T = TypeVar("T")


def unrecorded(machine: Machine, steps: Path[None]) -> None:
    """Take all steps without a journal.

    A path that breaks off for a reason that is not the kernel's (a bug in a scheme, what is not
    modelled) has not dropped its locks: they are let go, so that `check()` goes on to judge.
    """
    held = machine.held[machine.task]
    try:
        machine.observe(steps)
    except OSError:
        raise
    except BaseException:
        machine.held[machine.task] = held
        raise


def recorded(journal: Journal, steps: Path[None], text: str, who: int) -> None:
    """Take all steps, as one operation of the journal, of the address space `who`."""
    with no_garbage(), journal.operation(text, who):
        try:
            for step in steps:
                journal.commit(step, steps)
        finally:
            journal.settle()


@not_in_kernel
def then_grace_period(mm: Mm, path: Path[T], result: list[T]) -> Path[None]:
    """The path and the way back to user space, even if the call failed; then a grace period.

    What the path returns goes into `result`, so that any loop can take the steps.
    """
    failed: KernelError | None = None
    try:
        result.append((yield from path))
    except KernelError as error:
        failed = error
    except TypeError as error:
        explained(error)
        raise
    fput_unmapped(mm.machine)
    yield from mm.machine.scheme.returns_to_user(mm)
    yield from mm.machine.rcu_do_batch()
    if failed:
        raise failed
