"""Where empty tables are, and what that is worth."""

import numpy as np

from ptlab.base.geometry import PMD_SIZE
from ptlab.observe import observe
from ptlab.observe.advice import advice
from ptlab.observe.locate import Located

EMPTY = 40


def leaky(child):
    """256 MiB, a page of each 2 MiB touched; of every second 2 MiB it is given back, up to 40."""
    child("m = mmap.mmap(-1, 256 * MiB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)")
    child("m.madvise(mmap.MADV_NOHUGEPAGE)")
    child("for at in range(0, 256 * MiB, 2 * MiB): m[at] = 1")
    child(
        f"for at in range(0, {EMPTY} * 4 * MiB, 4 * MiB): m.madvise(mmap.MADV_DONTNEED, at, 4096)"
    )
    return observe(child.pid, locate=True)


def test_empty_tables_are_located_and_rebuilt(child):
    child("kept.append(bytearray(4 * MiB))")
    seen = leaky(child)
    assert seen.still
    assert seen.empty == EMPTY
    found = seen.located
    # a guess by time: on a busy machine a few may be missed
    assert EMPTY - 4 <= len(found.slots) <= EMPTY + 2
    assert not set(found.slots.tolist()) & set(seen.tables.pte.tolist())
    assert sum(end - start for start, end in found.runs()) == len(found.slots) * PMD_SIZE
    rebuilt = seen.process()
    missed = EMPTY - len(found.slots)
    assert seen.vmpte_kb - rebuilt.counters.vmpte_kb == 4 * missed
    assert seen.process("pte_refcount").counters.vmpte_kb == seen.vmpte_kb - 4 * EMPTY
    freed = f"would free {4 * len(found.slots)} kB on Linux today"
    assert any(freed in sentence for sentence in advice(seen))
    assert seen.as_dict()["located"] == len(found.slots)


def test_empty_pmd_pages_are_located_and_rebuilt(child):
    """Of eight GiB, three have held a page: on Linux with PT_RECLAIM only a PMD page is left of it."""
    child("m = mmap.mmap(-1, 9 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)")
    child("m.madvise(mmap.MADV_NOHUGEPAGE)")
    child("import ctypes; base = ctypes.addressof(ctypes.c_char.from_buffer(m))")
    before = observe(child.pid).empty
    child("first = -base % (1 << 30)")
    child("for n in (1, 3, 4): at = first + (n << 30); m[at] = 1; m.madvise(4, at, 2 * MiB)")
    seen = observe(child.pid, locate=True)
    left = seen.empty - before
    assert left in (3, 6)  # without PT_RECLAIM the PTE pages stay too
    assert len(seen.located.upper) == 3
    assert seen.located.upper[2] - seen.located.upper[0] == 3
    assert seen.located.total == seen.empty
    for scheme in ("unmap_only", "pt_reclaim"):
        assert seen.process(scheme).counters.vmpte_kb == seen.vmpte_kb
    assert "3 of them PMD pages" in str(seen)
    assert seen.as_dict()["located_pmd"] == 3


def test_the_part_of_a_bare_pmd_page_that_is_remapped_lies_inside_its_mapping():
    gib, start = 5 << 30, (5 << 30) - 4096
    found = Located(np.array([gib + (1 << 30) >> 21], np.int64), 0, np.array([5, 6], np.int64))
    assert list(found.bare(start, 7 << 30)) == [gib + PMD_SIZE]
    assert list(found.bare(gib + 4096, gib + (100 << 20))) == [gib + 2 * PMD_SIZE]
    assert list(found.bare(gib + 4096, gib + 3 * PMD_SIZE)) == []


def test_a_process_without_empty_tables_gets_no_such_advice(child):
    said = advice(observe(child.pid, locate=True))
    assert len(said) == 1
    assert said[0].startswith("Nothing to gain")


def test_scattered_pages_and_huge_pages_have_their_own_sentences(child):
    child("m = mmap.mmap(-1, 256 * MiB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)")
    child("m.madvise(mmap.MADV_NOHUGEPAGE)")
    child("for at in range(0, 256 * MiB, 2 * MiB): m[at] = 1")
    scattered = observe(child.pid)
    said = advice(scattered)
    assert "side by side they would need" in said[0]
    assert not any("deposited" in sentence for sentence in said)
    child("h = mmap.mmap(-1, 64 * MiB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)")
    child("h.madvise(mmap.MADV_HUGEPAGE)")
    child("for at in range(0, 64 * MiB, 4096): h[at] = 1")
    seen = observe(child.pid)
    if seen.tables.deposited:
        assert f"{seen.tables.deposited} deposited tables" in advice(seen)[-1]
