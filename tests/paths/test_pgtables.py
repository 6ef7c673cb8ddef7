"""munmap and free_pgtables(): a table goes when no VMA is left in its span, entries or not.

The numbers are VmPTE changes in kB measured on Linux 6.18.44 (CONFIG_PT_RECLAIM=y, 4 levels).
"""

import pytest
from hypothesis import given, settings

from ptlab import SCHEMES, GiB, KiB, MiB, Process, TiB
from ptlab.base.geometry import Level
from ptlab.state.mm import base_address
from tests.support.snapshot import check_all, live_tables, owner
from tests.support.strategies import programs, rows
from tests.support.vectors import vmpte_changes

A = 16 * TiB
MEASURED = {
    "half a table's VMA goes, the table stays": (
        "mmap s0+1G 2M\ntouch w s0+1G 2M\nmunmap s0+1G+1M 1M\nmadvise DONTNEED s0+1G 1M\n"
        "munmap s0+1G 1M",
        [0, 8, 8, 8, 0],
    ),
    "PMD pages stay until nobody is left in their GiB": (
        "mmap s0+1G 2G\ntouch w s0+1G 4K\ntouch w s0+2G 4K\nmadvise DONTNEED s0+1G 2G\n"
        "munmap s0+1G 1G\nmunmap s0+2G 1G",
        [0, 8, 16, 8, 4, 0],
    ),
    "MAP_FIXED over the second of four tables": (
        "mmap s0+1G 8M\ntouch w s0+1G 8M\nmmap s0+1G+2M 2M over",
        [0, 20, 16],
    ),
    "an untouched neighbour in the same 2M keeps the table": (
        "mmap s0+1G 1M\nmmap s0+1G+1M 1M r\ntouch w s0+1G 4K\nmunmap s0+1G 1M\nmunmap s0+1G+1M 1M",
        [0, 0, 8, 8, 0],
    ),
    "an untouched neighbour in the same 1G keeps the PMD page": (
        "mmap s0+1G 2M\nmmap s0+1G+200M 2M\ntouch w s0+1G 4K\nmunmap s0+1G 2M\n"
        "munmap s0+1G+200M 2M",
        [0, 0, 8, 4, 0],
    ),
}


@pytest.mark.parametrize("grain", ["entry", "table", "range"])
@pytest.mark.parametrize("kernel", ["6.1", "6.18"])
@pytest.mark.parametrize("story", MEASURED)
def test_as_measured(story, kernel, grain):
    ops, kilobytes = MEASURED[story]
    if kernel == "6.1":  # there DONTNEED keeps its tables, up to munmap
        assert vmpte_changes(ops, None, kernel, grain)[-1] == kilobytes[-1]
    else:
        assert vmpte_changes(ops, None, kernel, grain) == kilobytes


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=max(5, settings.default.max_examples // 4))
@given(program=programs())
def test_a_table_is_kept_for_the_vmas_in_its_span_only(scheme, program):
    p = Process(scheme, grain="range", record=False)
    rows(p, program)
    for table in live_tables(p):
        level = Level(int(p.machine.mem.level[table]))
        mm = owner(p, table)
        base = base_address(mm, table)
        end = base + p.machine.geometry.span(level)
        vmas = [vma for vma in mm.vmas if vma.start < end and vma.end > base]
        assert vmas or table == mm.pgd, f"{level.name} page {table} serves no VMA"


@pytest.mark.parametrize("levels", [4, 5])
@given(program=programs())
def test_unmapping_everything_leaves_the_pgd_alone(levels, program):
    p = Process(levels=levels, record=False)
    rows(p, program)
    p.munmap(0, p.machine.geometry.task_size)
    assert [t for t in live_tables(p) if owner(p, t) is p.mm] == [p.mm.pgd]
    assert not any(p.counters._replace(minflt=0, majflt=0))
    check_all(p)


@pytest.mark.parametrize(
    ("neighbour", "left"),
    [
        (A + 4 * MiB, (0, 1, 1)),  # right behind, in the same PMD page
        (A - 4 * KiB, (0, 0, 0)),  # right before, in another PGD entry
        (A + 2 * MiB - 4 * KiB, (1, 1, 1)),  # in the same PTE page
        (A + GiB - 4 * KiB, (0, 1, 1)),
        (A + GiB, (0, 0, 1)),
        (A + 512 * GiB - 4 * KiB, (0, 0, 1)),
        (A + 512 * GiB, (0, 0, 0)),
    ],
)
def test_floor_and_ceiling(neighbour, left):
    p = Process("unmap_only")
    p.mmap(4 * KiB, at=A)
    p.touch(A, 4 * KiB)
    p.mmap(4 * KiB, at=neighbour)
    p.munmap(A, 4 * KiB)
    assert (p.counters.pte, p.counters.pmd, p.counters.pud) == left


def test_a_hole_in_the_middle_makes_two_vmas():
    p = Process()
    heap = p.mmap(6 * MiB)
    p.touch(heap)
    p.munmap(heap + 2 * MiB, 2 * MiB)
    assert (p.counters.vmas, p.counters.pte, p.counters.present) == (2, 2, 1024)


def test_munmap_goes_over_holes():
    p = Process()
    for at in (A, A + 8 * MiB, A + 3 * GiB):
        p.touch(p.mmap(2 * MiB, at=at))
    p.munmap(A, 4 * GiB)
    assert (p.counters.vmas, p.counters.vmpte_kb, p.counters.present) == (0, 0, 0)


def test_p4d_pages_come_and_go_uncounted():
    p = Process(levels=5)
    high = p.mmap(2 * MiB, at=1 << 50)
    p.touch(high, 4 * KiB)
    assert p.counters.vmpte_kb == 12 and len(live_tables(p, Level.P4D)) == 1
    p.munmap(high)
    assert live_tables(p) == [p.mm.pgd]
