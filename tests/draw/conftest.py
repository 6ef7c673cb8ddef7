"""What the tests of the drawings share."""

import pytest

from ptlab import KiB, MiB, Process, TiB


@pytest.fixture
def small():
    """A process with two PTE pages, of two entries and of one."""
    at = 16 * TiB
    p = Process("pte_refcount")
    p.mmap(4 * MiB, at=at)
    p.touch(at, 8 * KiB)
    p.touch(at + 2 * MiB, 4 * KiB, write=False)
    return p
