"""What the kernel of this computer is asked."""

import os
import platform
import sys
from pathlib import Path

import pytest

from ptlab.course import kernel_here, on_this_kernel, packed_kb, status
from ptlab.kernels.live import NoKernel


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_status_is_that_of_the_process():
    seen = status(os.getpid())
    lines = Path("/proc/self/status").read_text().splitlines()
    assert f"Name:\t{seen['Name']}" in lines and seen["VmSize"] > seen["VmRSS"] > seen["VmPTE"] > 0
    assert seen.keys() == status().keys()


def test_a_process_that_is_not_there_has_no_status():
    assert status(0) == {}
    kernel_thread = status(2)  # kthreadd has no memory of its own
    assert kernel_thread == {} or kernel_thread["VmPTE"] > 0


def test_pte_pages_of_packed_data():
    assert [packed_kb(kb) for kb in (0, 1, 512, 513, 1 << 20)] == [0, 1, 1, 2, 2048]


def test_this_kernel_builds_tables_for_what_is_touched():
    try:
        after = on_this_kernel("mmap s0 32M\ntouch w s0 32M\nmunmap s0 32M")
    except NoKernel as reason:
        pytest.skip(str(reason))
    assert after[0] == after[2] == 0 and after[1] >= 72
    assert kernel_here().release == platform.release()
