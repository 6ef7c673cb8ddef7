"""System calls: what each refuses, with which errno, and what it had done by then."""

import errno

import pytest

from ptlab import KernelError, MiB, Process, TiB
from tests.support.snapshot import everything

A = 16 * TiB
TOP = (1 << 47) - 4096
PAGE = 4096


@pytest.fixture
def p():
    """Two VMAs of 4 MiB with 4 MiB of nothing between them; one page touched in each 2 MiB."""
    p = Process()
    p.mmap(4 * MiB, at=A)
    p.mmap(4 * MiB, at=A + 8 * MiB)
    p.touch(A, 4 * MiB, stride=2 * MiB)
    p.touch(A + 8 * MiB, 4 * MiB, stride=2 * MiB)
    return p


REFUSED = {
    "mmap of nothing": (lambda p: p.mmap(0), "EINVAL", "length 0"),
    "mmap of a negative length": (lambda p: p.mmap(-PAGE), "EINVAL", "-4096"),
    "mmap unaligned": (lambda p: p.mmap(PAGE, at=0x5001), "EINVAL", "0x5001"),
    "mmap where something is": (lambda p: p.mmap(PAGE, at=A + MiB), "EEXIST", f"{A:#x}"),
    "mmap across something": (lambda p: p.mmap(8 * MiB, at=A - MiB), "EEXIST", f"{A:#x}"),
    "mmap at the top": (lambda p: p.mmap(PAGE, at=TOP), "ENOMEM", f"{TOP:#x}"),
    "mmap over the top": (lambda p: p.mmap(PAGE, at=TOP, over=True), "ENOMEM", f"{TOP:#x}"),
    "mmap below zero": (lambda p: p.mmap(PAGE, at=-PAGE), "ENOMEM", "-0x1000"),
    "mmap of more than there is": (lambda p: p.mmap(1 << 47), "ENOMEM", f"{1 << 47:#x}"),
    "munmap of nothing": (lambda p: p.munmap(A, 0), "EINVAL", f"{A:#x}"),
    "munmap of a negative length": (lambda p: p.munmap(A, -PAGE), "EINVAL", f"{A:#x}"),
    "munmap unaligned": (lambda p: p.munmap(A + 1, PAGE), "EINVAL", f"{A + 1:#x}"),
    "munmap at the top": (lambda p: p.munmap(TOP, PAGE), "EINVAL", f"{TOP:#x}"),
    "munmap below zero": (lambda p: p.munmap(-PAGE, PAGE), "EINVAL", "-0x1000"),
    "mprotect unaligned": (lambda p: p.mprotect(A + 1, "r", PAGE), "EINVAL", f"{A + 1:#x}"),
    "mprotect unaligned, empty": (lambda p: p.mprotect(A + 1, "r", 0), "EINVAL", f"{A + 1:#x}"),
    "mprotect of a negative length": (lambda p: p.mprotect(A, "r", -PAGE), "ENOMEM", "-4096"),
    "mprotect of a hole": (
        lambda p: p.mprotect(A + 4 * MiB, "r", PAGE),
        "ENOMEM",
        "0x100000400000",
    ),
    "madvise unaligned": (lambda p: p.madvise(A + 1, "FREE", PAGE), "EINVAL", f"{A + 1:#x}"),
    "madvise unaligned, empty": (lambda p: p.madvise(A + 1, "FREE", 0), "EINVAL", f"{A + 1:#x}"),
    "madvise of a negative length": (lambda p: p.madvise(A, "FREE", -PAGE), "EINVAL", "-4096"),
    "madvise of no advice": (lambda p: p.madvise(A, 77, PAGE), "EINVAL", "77"),
    "madvise of a hole": (
        lambda p: p.madvise(A + 4 * MiB, "DONTNEED", PAGE),
        "ENOMEM",
        "0x100000400000",
    ),
    "mlock of a hole": (lambda p: p.mlock(A + 4 * MiB, PAGE), "ENOMEM", "0x100000400000"),
    "mlock of a negative length": (lambda p: p.mlock(A, -8192), "EINVAL", "-8192"),
    "munlock of a hole": (lambda p: p.munlock(A + 4 * MiB, PAGE), "ENOMEM", "0x100000400000"),
    "munlock of a negative length": (lambda p: p.munlock(A, -8192), "EINVAL", "-8192"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_call_names_its_input_and_changes_nothing(p, case):
    call, name, said = REFUSED[case]
    before = everything(p)
    with pytest.raises(KernelError) as refused:
        call(p)
    assert refused.value.name == name
    assert refused.value.errno == getattr(errno, name)
    assert said in str(refused.value)
    assert everything(p) == before


@pytest.mark.parametrize(
    "call",
    [
        lambda p: p.madvise(A, "DONTNEED", 0),
        lambda p: p.madvise(A + 4 * MiB, "DONTNEED", 0),
        lambda p: p.mprotect(A, "none", 0),
        lambda p: p.mlock(A, 0),
        lambda p: p.munmap(A + 4 * MiB, 4 * MiB),
        lambda p: p.munmap(1 << 40, 1 << 40),
    ],
)
def test_calls_that_have_nothing_to_do_succeed_and_change_nothing(p, call):
    before = everything(p)
    call(p)
    assert everything(p) == before


def test_dontneed_over_a_hole_zaps_what_is_mapped_and_says_so(p):
    with pytest.raises(KernelError, match="0x100000400000") as refused:
        p.madvise(A, "DONTNEED", 12 * MiB)
    assert refused.value.name == "ENOMEM"
    assert "mapped parts" in str(refused.value)
    assert (p.counters.present, p.counters.pte) == (0, 0)


def test_tables_freed_before_an_error_do_not_wait_for_the_next_call(p):
    with pytest.raises(KernelError):
        p.madvise(A, "DONTNEED", 12 * MiB)
    assert p.machine.rcu == ()


def test_mprotect_changes_what_lies_before_a_hole(p):
    with pytest.raises(KernelError, match=f"{A + 2 * MiB:#x}, 0x100000400000.*changed"):
        p.mprotect(A + 2 * MiB, "r", 12 * MiB)
    assert [vma.prot for vma in p.mm.vmas] == ["rw", "r", "rw"]


def test_mmap_refuses_a_file_offset_below_0(p):
    file = p.file(2 * MiB, filled=True)
    with pytest.raises(KernelError, match="offset -0x1000") as refused:
        p.mmap(PAGE, file=file, offset=-PAGE)
    assert refused.value.name == "EINVAL"


def test_madvise_refuses_a_length_below_0(p):
    with pytest.raises(KernelError, match="-1 bytes") as refused:
        p.madvise(A, "DONTNEED", -1)
    assert refused.value.name == "EINVAL"


def test_a_journal_may_begin_later():
    p = Process("pt_reclaim", grain="range", record=False)
    heap = p.mmap(4 * MiB)
    p.touch(heap)
    p.keep_journal()
    p.madvise(heap, "DONTNEED", 2 * MiB)
    assert p.counters.pte == 1
    assert [operation.text for operation in p.journal.operations] == [
        f"madvise({heap:#x}, 2M, DONTNEED)"
    ]
    p.journal.seek(0)
    assert p.counters.pte == 2
    with pytest.raises(ValueError, match="keeps a journal already"):
        p.keep_journal()
    with pytest.raises(ValueError, match="unknown grain 'tabel'"):
        Process(record=False).keep_journal("tabel")
