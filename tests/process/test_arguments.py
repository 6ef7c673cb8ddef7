"""Input that is no system call at all, accesses that are refused, and what is not modelled."""

import errno

import numpy as np
import pytest

from ptlab import MiB, Process, SegmentationFault, TiB, compare, race, story
from ptlab.costs.measure import measure
from ptlab.schemes import UnmapOnly
from tests.support.strategies import rows

A = 16 * TiB


@pytest.fixture
def p():
    """Two VMAs of 4 MiB with 4 MiB of nothing between them."""
    p = Process()
    p.mmap(4 * MiB, at=A)
    p.mmap(4 * MiB, at=A + 8 * MiB)
    return p


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: Process(scheme="pt_reclam"), ["pt_reclam", "mean pt_reclaim?", "unmap_only"]),
        (lambda: Process(kernel="6.2"), ["6.2", "6.12", "7.3"]),
        (lambda: Process(kernel="6.18."), ["mean 6.18?"]),
        (lambda: Process(kernel=6.18), ["6.18", 'kernel="6.18"']),
        (lambda: Process(grain="tabel"), ["tabel", "mean table?", "entry", "range"]),
        (lambda: Process(levels=3), ["levels=3", "4", "5"]),
        (lambda: Process().mmap(4096, prot="wr"), ["wr", "mean w?", "none, r, rw"]),
        (lambda: Process().mprotect(A, "non", 4096), ["non", "mean none?"]),
        (lambda: Process().madvise(A, "DONTNED", 4096), ["DONTNED", "mean DONTNEED?", "FREE"]),
        (lambda: Process().munmap(A), [f"{A:#x}", "length"]),
        (lambda: Process().touch(A, 4096, stride=0), ["stride 0"]),
        (lambda: Process().touch(A, -1), ["-1"]),
        (lambda: Process().touch(-1, 1), ["-1"]),
        (lambda: story("mmap s0 2M", grain="tabel"), ["tabel"]),
        (lambda: compare("mmap s0 2M", "unmap_only"), ["two schemes"]),
        (lambda: compare("mmap s0 2M", "unmap_only", "refcount"), ["mean pte_refcount?"]),
        (lambda: story("cover-leter"), ["cover-leter", "mean cover-letter?", "`ptlab run`"]),
        (
            lambda: compare("halves", "unmap_only", "pt_reclaim"),
            ["'halves'", "a workload", "`ptlab measure halves`", 'measure("halves")'],
        ),
        (
            lambda: Process().mmap(4096, file=Process().file(4096)),
            ["memfd file 0", "another machine"],
        ),
        (lambda: Process().mprotect(A, ["rw"], 4096), ["['rw']", "none, r, rw"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_wrong_word_is_answered_with_the_right_ones(call, names):
    with pytest.raises(ValueError) as answer:
        call()
    for name in names:
        assert name in str(answer.value)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda p: p.mmap(4.5 * MiB),
            "mmap: length must be a whole number of bytes, not 4718592.0",
        ),
        (lambda p: p.mmap("4M"), "mmap: length must be a whole number of bytes, not '4M'"),
        (lambda p: p.munmap(A, 2.0 * MiB), "munmap: length must be a whole number of bytes"),
        (lambda p: p.touch(A + 0.5), "touch: address must be a whole number of bytes"),
        (lambda p: p.touch("heap"), "touch: address must be a whole number of bytes, not 'heap'"),
        (lambda p: p.mremap(A, 8e6, old_length=4096), "mremap: new length must be a whole number"),
        (
            lambda p: p.mremap(A, 4096, to=1.5, old_length=4096),
            "mremap: new address must be a whole number of bytes, not 1.5",
        ),
        (lambda p: p.touch(A, 4096, stride=1.5), "touch: stride must be a whole number of bytes"),
        (lambda p: p.mmap(4096, file=p.file(1), offset=0.5), "mmap: offset must be a whole number"),
        (lambda p: p.file(4.5), "file: size must be a whole number of bytes, not 4.5"),
        (lambda p: p.truncate(p.file(1), 1.5), "truncate: size must be a whole number of bytes"),
        (lambda p: p.punch(p.file(1), 0.5, 1), "punch: offset must be a whole number of bytes"),
        (lambda p: p.punch(p.file(1), 0, "1"), "punch: length must be .* not '1'"),
        (lambda p: p.allocate(p.file(1), 0.5, 1), "allocate: offset must be a whole number"),
        (lambda p: p.allocate(p.file(1), 0, 0.5), "allocate: length must be a whole number"),
        (lambda p: p.madvise(A, 1.5, 4096), "madvise: advice must be a name such as 'DONTNEED'"),
    ],
)
def test_addresses_lengths_and_other_numbers_are_whole(p, call, told):
    before, steps = str(p), len(p.journal)
    with pytest.raises(TypeError, match=told):
        call(p)
    assert (str(p), len(p.journal)) == (before, steps)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda p: p.mmap(4096, file="f"), r"mmap: file must be what Process.file\(\) returns"),
        (lambda p: p.truncate(3, 0), "truncate: file must be .* not 3"),
        (lambda p: story(None), "a built-in scenario is given by its name, a text, not as None"),
        (lambda p: measure(None), "a workload or scenario is given by its name, .* not as None"),
        (lambda p: race("pmd-same", schedule=12), "schedule must be the letters .* not 12"),
        (lambda p: race("pmd-same").run(12), "schedule must be the letters .* not 12"),
    ],
)
def test_what_is_of_the_wrong_kind_is_named_with_the_right_one(p, call, told):
    with pytest.raises(TypeError, match=told):
        call(p)


def test_whole_numbers_of_numpy_are_fine(p):
    assert p.touch(np.int64(A), np.int64(8192)) == 2


class Broken(UnmapOnly):
    """A design with a bug."""

    name = "broken"

    def zapped(self, mm, tables, walk, why, tlb):
        raise ZeroDivisionError


@pytest.mark.parametrize("record", [True, False])
def test_a_bug_in_a_design_leaves_no_lock_behind(record):
    p = Process(Broken, record=record)
    heap = p.mmap(2 * MiB)
    p.touch(heap, 4096)
    with pytest.raises(ZeroDivisionError):
        p.madvise(heap, "DONTNEED")
    assert not any(p.machine.held)
    p.check()


def test_a_refused_access_is_skipped_and_counted(p):
    with pytest.raises(SegmentationFault) as fault:
        p.touch(A, 12 * MiB, stride=MiB)
    refused = fault.value
    assert (refused.errno, refused.name) == (errno.EFAULT, "EFAULT")
    assert (refused.faults, refused.refused, refused.address) == (8, 4, A + 4 * MiB)
    assert f"{A + 4 * MiB:#x}" in str(refused) and "4 accesses" in str(refused)


def test_what_is_not_modelled_is_never_guessed():
    program = "file f 2M disk filled\nmmap s0 2M file:f\ntouch r s0 2M\nmadvise PAGEOUT s0 2M\nnop"
    told = rows(Process(), program)
    why = "MADV_PAGEOUT of a disk file: reclaim is not modelled"
    assert told[-1] == {"op": "madvise PAGEOUT s0 2M", "who": "p", "unsupported": True, "why": why}
