"""DONTNEED and FREE: what they clear, and which tables they take along.

The numbers are VmPTE changes in kB measured on Linux 6.18.44 (CONFIG_PT_RECLAIM=y, 4 levels).
"""

import pytest

from ptlab import KiB, MiB, Process
from tests.support.vectors import vmpte_changes

GRAINS = ("entry", "table", "range")
MEASURED = {
    "mapping is free, touching builds, the next 2M builds one more": (
        "mmap s0+1G 8M\ntouch w s0+1G 4K\ntouch w s0+1G+2M 4K",
        [0, 8, 12],
    ),
    "the last page alone frees nothing, the whole empty 2M does": (
        "mmap s0+1G 8M\ntouch w s0+1G 4K\ntouch w s0+1G+2M 4K\n"
        "madvise DONTNEED s0+1G+2M 4K\nmadvise DONTNEED s0+1G+2M 2M",
        [0, 8, 12, 12, 8],
    ),
    "2M less a page empties the table and keeps it": (
        "mmap s0+1G 8M\ntouch w s0+1G 4K\nmadvise DONTNEED s0+1G 2M-4K\nmadvise DONTNEED s0+1G 2M",
        [0, 8, 8, 4],
    ),
    "all of 64 tables but a page of the first": (
        "mmap s0+1G 128M\ntouch w s0+1G 128M 2M\nmadvise DONTNEED s0+1G+4K 128M-4K\n"
        "madvise DONTNEED s0+1G 128M\nmunmap s0+1G 128M",
        [0, 260, 8, 4, 0],
    ),
    "MADV_FREE frees no table": (
        "mmap s0+1G 8M\ntouch w s0+1G 8M\nmadvise FREE s0+1G 8M\nmadvise DONTNEED s0+1G 8M",
        [0, 20, 20, 4],
    ),
    "the zero page needs tables like any other": (
        "mmap s0+1G 8M\ntouch r s0+1G 8M\nmadvise DONTNEED s0+1G 8M",
        [0, 20, 4],
    ),
    "two VMAs in one 2M are two calls too small": (
        "mmap s0+1G 2M\ntouch w s0+1G 2M\nmprotect s0+1G+1M 1M r\nmadvise DONTNEED s0+1G 2M\n"
        "mprotect s0+1G+1M 1M rw\nmadvise DONTNEED s0+1G 2M",
        [0, 8, 8, 8, 8, 4],
    ),
    "an mlocked page stops DONTNEED, not DONTNEED_LOCKED": (
        "mmap s0+1G 2M\ntouch w s0+1G 2M\nmlock s0+1G 2M\nmadvise DONTNEED s0+1G 2M\n"
        "madvise DONTNEED_LOCKED s0+1G 2M",
        [0, 8, 8, 8, 4],
    ),
    "512 calls of one page empty a table and keep it": (
        "mmap s0+1G 2M\ntouch w s0+1G 2M\nmadvise_each DONTNEED s0+1G 2M 4K\n"
        "madvise DONTNEED s0+1G 2M",
        [0, 8, 8, 4],
    ),
    "PMD pages stay: each GiB of the loop leaves one": (
        "mmap s0+1G 4G\ncover s0+1G 4G",
        [0, 16],
    ),
}


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("story", [name for name in MEASURED if "loop" not in name])
def test_as_measured(story, grain):
    ops, kilobytes = MEASURED[story]
    assert vmpte_changes(ops, grain=grain) == kilobytes


def test_as_measured_in_the_loop_of_the_cover_letter():
    ops, kilobytes = MEASURED["PMD pages stay: each GiB of the loop leaves one"]
    assert vmpte_changes(ops) == kilobytes


@pytest.mark.parametrize("story", MEASURED)
def test_before_pt_reclaim_no_zap_ever_frees_a_table(story):
    ops = "\n".join(op for op in MEASURED[story][0].split("\n") if not op.startswith("munmap"))
    changes = vmpte_changes(ops, kernel="6.1")
    assert changes == sorted(changes)


@pytest.mark.parametrize("grain", GRAINS)
def test_with_references_the_last_entry_takes_the_table_along(grain):
    ops, _ = MEASURED["the last page alone frees nothing, the whole empty 2M does"]
    assert vmpte_changes(ops, "pte_refcount", None, grain) == [0, 8, 12, 8, 8]


def test_free_keeps_every_entry_and_costs_no_new_fault():
    p = Process()
    heap = p.mmap(2 * MiB)
    p.touch(heap)
    p.madvise(heap, "FREE")
    assert (p.counters.present, p.counters.rss_kb) == (512, 2048)
    assert p.touch(heap) == 0


def test_dropped_pages_fault_again():
    p = Process()
    heap = p.mmap(2 * MiB)
    assert p.touch(heap) == 512
    p.madvise(heap, "DONTNEED")
    assert p.counters.rss_kb == 0
    assert p.touch(heap) == 512


def test_dontneed_rounds_its_length_up_to_a_page():
    p = Process()
    heap = p.mmap(16 * KiB)
    p.touch(heap)
    p.madvise(heap, "DONTNEED", 4 * KiB + 1)
    assert p.counters.present == 2


def test_dontneed_of_memory_never_touched_builds_nothing():
    p = Process()
    p.madvise(p.mmap(4 * MiB), "DONTNEED")
    assert p.counters.vmpte_kb == 0
