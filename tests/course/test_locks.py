"""Which locks a task takes, and which it waits for."""

import pytest

from ptlab.course import lock_steps, waits_for


def test_the_locks_of_one_call_are_taken_and_dropped():
    told = lock_steps("pmd-same", "B")
    assert [held for _, held in told][-1] == 0 and max(held for _, held in told) == 3
    assert any(text.endswith("(trylock)") and "PMD lock" in text for text, _ in told)
    assert sum(text.startswith("takes") for text, _ in told) * 2 == len(told)


@pytest.mark.parametrize(
    ("first", "second", "kernel", "lock"),
    [
        ("page fault", "munmap", "6.1", "mmap_lock"),
        ("page fault", "munmap", "6.18", "the VMA's lock"),
        ("page fault", "MADV_DONTNEED", "6.1", "nothing"),
    ],
)
def test_a_task_waits_for_the_lock_that_the_other_holds(first, second, kernel, lock):
    assert waits_for(first, second, kernel) == lock
