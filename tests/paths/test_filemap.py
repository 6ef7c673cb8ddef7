"""Files and shared memory: fault-around, copies, truncate, holes, and SIGBUS.

The numbers are VmPTE changes in kB measured on Linux 6.18.44 (CONFIG_PT_RECLAIM=y, 4 levels).
"""

import pytest

from ptlab import KernelError, KiB, MiB, Process, SegmentationFault, TiB
from ptlab.base import pte
from ptlab.base.errors import BusError, NotModelled
from ptlab.base.geometry import Level
from tests.support.snapshot import everything, files
from tests.support.vectors import vmpte_changes

A = 16 * TiB
GRAINS = ("entry", "table", "range")


@pytest.fixture
def p():
    return Process()


def word(process, address):
    table = process.mm.lookup(address, Level.PTE)
    return process.machine.mem.entries.word(table, address >> 12 & 511)


@pytest.mark.parametrize("grain", GRAINS)
def test_as_measured_holes_and_truncation_leave_the_table_dontneed_takes_it(grain):
    ops = (
        "file f 2M\nmmap s0+1G 2M file:f\ntouch w s0+1G 2M\npunch f 0 2M\n"
        "madvise DONTNEED s0+1G 2M\ntouch w s0+1G 2M\ntruncate f 0\nmadvise DONTNEED s0+1G 2M"
    )
    assert vmpte_changes(ops, grain=grain) == [0, 0, 8, 8, 4, 8, 8, 4]


@pytest.mark.parametrize(
    ("first", "entries"),
    [(0, 16), (5, 16), (16, 16), (509, 16), (31, 16)],
)
def test_a_read_maps_the_16_cached_pages_around_it(p, first, entries):
    file = p.file(2 * MiB, "disk", filled=True)
    p.mmap(2 * MiB, at=A, prot="r", file=file)
    assert p.touch(A + first * 4 * KiB, 4 * KiB, write=False) == 1
    assert p.counters.filepg == entries
    assert p.touch(A + (first & ~15) * 4 * KiB, 64 * KiB, write=False) == 0


@pytest.mark.parametrize("moment", [0, 3])
def test_what_a_file_is_filled_with_is_there_at_every_moment(p, moment):
    p.mmap(4 * KiB, at=A + 8 * MiB)
    file = p.file(64 * KiB, filled=True)
    p.mmap(64 * KiB, at=A, file=file)
    p.touch(A, 64 * KiB, write=False)
    p.journal.seek(moment)  # before the file was made, and after
    assert [file.frame(page) > 0 for page in range(16)] == [True] * 16
    p.mmap(64 * KiB, at=A, file=file)
    assert (p.touch(A, 64 * KiB, write=False), p.counters.filepg) == (1, 16)
    p.check()


def test_a_file_stays_a_file_when_time_goes_back_to_where_it_was_made(p):
    file = p.file(64 * KiB, filled=True)
    p.mmap(64 * KiB, at=A, file=file)
    p.journal.seek(0)
    other = p.file(64 * KiB, filled=True)
    assert p.machine.files == (file, other) and other.number == 1
    assert other.frame(0) == file.frame(15) + 1


def test_fault_around_stays_in_the_mapping_and_in_the_file(p):
    file = p.file(2 * MiB - 12 * KiB, "disk", filled=True)
    p.mmap(20 * KiB, at=A, file=file, offset=MiB)
    p.touch(A + 4 * KiB, 4 * KiB, write=False)
    assert p.counters.filepg == 5
    p.mmap(2 * MiB, at=A + 4 * MiB, file=file)
    p.touch(A + 6 * MiB - 16 * KiB, 4 * KiB, write=False)
    assert p.counters.filepg == 5 + 13


def test_only_what_is_cached_is_mapped_around(p):
    p.mmap(64 * KiB, at=A, shared=True, file=p.file(64 * KiB))
    p.touch(A + 8 * KiB, 12 * KiB)
    p.madvise(A, "DONTNEED", 64 * KiB)
    assert (p.touch(A + 12 * KiB, 4 * KiB, write=False), p.counters.filepg) == (1, 3)
    assert (p.touch(A, 4 * KiB, write=False), p.counters.filepg) == (1, 4)  # a hole becomes a page


def test_an_allocated_page_has_no_content_before_its_first_access(p):
    """fallocate() does not zero its pages, and fault-around maps only what is up to date."""
    file = p.file(64 * KiB)
    p.allocate(file, 8 * KiB, 12 * KiB)
    p.mmap(64 * KiB, at=A, shared=True, file=file)
    assert (p.touch(A + 12 * KiB, 4 * KiB, write=False), p.counters.filepg) == (1, 1)
    p.madvise(A, "DONTNEED", 64 * KiB)
    assert (p.touch(A + 8 * KiB, 4 * KiB, write=False), p.counters.filepg) == (1, 2)


@pytest.mark.parametrize("size", [2**60, 2**70])
def test_a_file_too_large_for_this_machine_is_refused_and_nothing_changes(p, size):
    with pytest.raises(NotModelled, match=f"a file of {size} bytes"):
        p.file(size)
    file = p.file(8 * KiB, filled=True)
    before = everything(p)
    with pytest.raises(NotModelled, match="does not fit in memory"):
        p.truncate(file, size)
    assert everything(p) == before and file.pages == 2


def test_a_disk_files_blocks_are_its_file_systems(p):
    with pytest.raises(NotModelled, match="its file system decides"):
        p.allocate(p.file(64 * KiB, "disk", filled=True), 0, 4 * KiB)


def test_a_private_write_copies_and_a_shared_write_shows_in_the_other_mapping(p):
    file = p.file(8 * KiB, filled=True)
    p.mmap(8 * KiB, at=A, file=file)
    p.mmap(8 * KiB, at=A + 2 * MiB, file=file, shared=True)
    p.touch(A, 4 * KiB)
    assert p.touch(A + 2 * MiB, 8 * KiB) == 2
    assert (p.counters.anon_kb, p.counters.rss_kb) == (4, 12)
    assert pte.pfn(word(p, A)) < pte.FILE_FRAME <= pte.pfn(word(p, A + 2 * MiB))
    p.madvise(A, "DONTNEED", 4 * KiB)
    p.touch(A, 8 * KiB, write=False)
    assert pte.pfn(word(p, A)) == pte.pfn(word(p, A + 2 * MiB)) == file.frame(0)


def test_a_page_read_first_is_copied_on_the_write(p):
    p.mmap(4 * KiB, at=A, file=p.file(4 * KiB, filled=True))
    p.touch(A, 4 * KiB, write=False)
    assert (p.counters.filepg, p.touch(A, 4 * KiB), p.counters.anon_kb) == (1, 1, 4)
    assert p.counters.filepg == 0


def test_beyond_the_files_end_is_sigbus_outside_the_rights_sigsegv(p):
    p.mmap(16 * KiB, at=A, shared=True, file=p.file(4 * KiB + 1))
    with pytest.raises(BusError, match=f"SIGBUS.*{A + 8 * KiB:#x}") as bus:
        p.touch(A, 16 * KiB)
    assert (bus.value.name, bus.value.faults, bus.value.refused) == ("EIO", 2, 2)
    p.mprotect(A, "r", 16 * KiB)
    with pytest.raises(SegmentationFault, match="SIGSEGV") as segv:
        p.touch(A, 4 * KiB)
    assert segv.value.name == "EFAULT"


def test_truncation_takes_private_copies_too_a_hole_leaves_them(p):
    file = p.file(16 * KiB, filled=True)
    p.mmap(16 * KiB, at=A, file=file)
    p.touch(A, 8 * KiB)
    p.touch(A, 16 * KiB, write=False)
    p.punch(file, 0, 16 * KiB)
    assert (p.counters.anon_kb, p.counters.filepg) == (8, 0)
    p.truncate(file, 4 * KiB)
    assert (p.counters.anon_kb, p.counters.filepg) == (4, 0)
    with pytest.raises(BusError):
        p.touch(A + 4 * KiB, 4 * KiB)
    p.truncate(file, 8 * KiB)
    assert p.touch(A + 4 * KiB, 4 * KiB) == 1


def test_a_hole_is_cut_in_whole_pages(p):
    file = p.file(16 * KiB, filled=True)
    p.punch(file, 1, 8 * KiB)
    assert list(files(p.machine)[0][2]) == [0, 2, 3]


def test_truncation_reaches_every_process(p):
    heap = p.mmap(2 * MiB, at=A, shared=True, file=(file := p.file(2 * MiB)))
    child = p.fork()
    for process in (p, child):
        process.touch(heap)
    p.truncate(file, MiB)
    assert p.counters.filepg == child.counters.filepg == 256
    child.check()


@pytest.mark.parametrize("scheme", ["unmap_only", "pt_reclaim"])
def test_a_hole_leaves_the_table_for_the_scheme_to_find_later(scheme):
    p = Process(scheme)
    file = p.file(2 * MiB)
    p.touch(p.mmap(2 * MiB, at=A, shared=True, file=file))
    p.punch(file, 0, 2 * MiB)
    assert (p.counters.pte, p.counters.present) == (1, 0)


def test_references_the_hole_takes_the_table_along():
    p = Process("pte_refcount")
    file = p.file(2 * MiB)
    p.touch(p.mmap(2 * MiB, at=A, shared=True, file=file))
    p.punch(file, 4 * KiB, 2 * MiB - 4 * KiB)
    assert p.counters.pte == 1
    p.punch(file, 0, 4 * KiB)
    assert p.counters.pte == 0


def test_madv_remove_is_a_hole_at_the_mappings_offset(p):
    file = p.file(8 * MiB)
    p.touch(p.mmap(4 * MiB, at=A, shared=True, file=file, offset=2 * MiB))
    p.madvise(A + MiB, "REMOVE", MiB)
    assert p.counters.filepg == 768 == len(files(p.machine)[0][2])
    assert not file.cache[768:1024].any()


def test_dontneed_of_a_file_drops_the_entries_not_the_pages(p):
    file = p.file(2 * MiB)
    p.touch(p.mmap(2 * MiB, at=A, shared=True, file=file))
    p.madvise(A, "DONTNEED", 2 * MiB)
    assert p.counters.present == 0 and len(files(p.machine)[0][2]) == 512
    assert p.touch(A, 2 * MiB, write=False) == 32  # 16 pages at a time


REFUSED = {
    "FREE of shared memory": ("shared", "FREE", "EINVAL", "not anonymous"),
    "FREE of a file": ("private", "FREE", "EINVAL", "not anonymous"),
    "WIPEONFORK of a file": ("private", "WIPEONFORK", "EINVAL", "not anonymous"),
    "REMOVE of anonymous memory": ("anonymous", "REMOVE", "EINVAL", "file"),
    "REMOVE of a private mapping": ("private", "REMOVE", "EACCES", "not shared"),
    "COLLAPSE of a file on disk": ("disk", "COLLAPSE", "EINVAL", "huge"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_advice_that_is_not_for_this_mapping_changes_nothing(p, case):
    kind, advice, name, said = REFUSED[case]
    file = None
    if kind != "anonymous":
        file = p.file(2 * MiB, "disk" if kind == "disk" else "memfd", filled=True)
    heap = p.mmap(2 * MiB, at=A, shared=kind == "shared", file=file)
    before = everything(p)
    with pytest.raises(KernelError, match=said) as refused:
        p.madvise(heap, advice)
    assert refused.value.name == name and everything(p) == before


def test_since_6_7_remove_asks_whether_the_mapping_could_be_made_writable():
    for kernel, left in (("6.1", 1), ("6.12", 0)):
        p = Process(kernel=kernel)
        heap = p.mmap(4 * KiB, at=A, shared=True)
        p.touch(heap)
        p.mprotect(heap, "r")
        if left:
            with pytest.raises(KernelError, match="not shared and writable") as refused:
                p.madvise(heap, "REMOVE")
            assert refused.value.name == "EACCES"
        else:
            p.madvise(heap, "REMOVE")
        assert p.counters.present == left


def test_remove_of_an_mlocked_mapping_is_refused(p):
    p.mlock(p.mmap(8 * KiB, at=A, shared=True))
    with pytest.raises(KernelError, match="mlocked") as refused:
        p.madvise(A, "REMOVE", 8 * KiB)
    assert refused.value.name == "EINVAL" and p.counters.present == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda p, file: p.truncate(file, -1),
        lambda p, file: p.punch(file, -4096, 4096),
        lambda p, file: p.punch(file, 0, 0),
        lambda p, file: p.allocate(file, 0, -5),
    ],
)
def test_a_size_below_zero_or_a_range_of_nothing_is_einval_as_measured(p, call):
    file = p.file(8 * KiB, filled=True)
    before = everything(p)
    with pytest.raises(KernelError) as refused:
        call(p, file)
    assert refused.value.name == "EINVAL" and everything(p) == before


def test_populate_beyond_the_end_of_the_file_is_efault(p):
    p.mmap(8 * KiB, at=A, shared=True, file=p.file(4 * KiB))
    with pytest.raises(KernelError) as refused:
        p.madvise(A, "POPULATE_WRITE", 8 * KiB)
    assert refused.value.name == "EFAULT" and p.counters.present == 1
