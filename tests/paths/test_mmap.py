"""Where mmap() puts a mapping when nobody says where."""

from ptlab import KiB, MiB, Process


def test_the_kernel_chooses_top_down_and_aligns_what_is_a_multiple_of_two_mib():
    p = Process()
    first, second, small = p.mmap(2 * MiB), p.mmap(4 * MiB), p.mmap(4 * KiB)
    assert first % (2 * MiB) == second % (2 * MiB) == 0
    assert second + 4 * MiB == first
    assert small > first  # in the rest above


def test_a_hole_that_fits_is_used_again():
    p = Process()
    first, second = p.mmap(MiB), p.mmap(MiB)
    p.munmap(first)
    assert p.mmap(MiB) == first != second


def test_a_hole_of_2_mib_is_too_small_for_memory_that_is_to_be_aligned():
    p = Process()
    first, second = p.mmap(2 * MiB), p.mmap(2 * MiB)
    third = p.mmap(2 * MiB)
    p.munmap(second)
    assert p.mmap(2 * MiB) < third < first  # as on Linux 6.18
    assert p.mmap(2 * MiB, shared=True) > third


def test_addresses_above_47_bits_only_for_who_asks_by_address():
    p = Process(levels=5)
    assert p.mmap(2 * MiB) < 1 << 47
    assert p.mmap(2 * MiB, at=1 << 50) == 1 << 50
    assert p.mmap(2 * MiB) < 1 << 47


def test_a_mapping_across_47_bits_is_seen_when_the_kernel_chooses():
    p = Process(levels=5)
    p.mmap(512 * MiB, at=0x7FFF_F000_0000)
    p.mmap(2 * MiB)
    p.check()


def test_a_region_is_its_address_and_remembers_its_length():
    p = Process()
    heap = p.mmap(2 * MiB + 1)
    assert isinstance(heap, int) and heap.length == 2 * MiB + 1
    assert "0x" in repr(heap)
    p.munmap(heap)
    assert p.counters.vmas == 0
