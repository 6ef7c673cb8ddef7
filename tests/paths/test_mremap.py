"""mremap: grow, shrink, move. A table moves whole where old and new place lie alike in 2 MiB.

The numbers are VmPTE changes in kB measured on Linux 6.18.44 (CONFIG_PT_RECLAIM=y, 4 levels).
"""

import pytest

from ptlab import SCHEMES, GiB, KernelError, KiB, MiB, Process, TiB
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind
from ptlab.paths.mremap import do_mremap
from tests.support.snapshot import everything
from tests.support.vectors import vmpte_changes

A, B = 16 * TiB, 17 * TiB
GRAINS = ("entry", "table", "range")


def functions(process, kind, start=0):
    return [step.fn for step in process.journal.steps[start:] if step.kind is kind]


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("kernel", ["6.1", "6.18"])
def test_as_measured_a_move_in_step_costs_nothing_a_move_out_of_step_a_table(kernel, grain):
    ops = (
        "mmap s0+1G 8M\ntouch w s0+1G 8M\nmremap s0+1G 8M 8M to s0+1G+16M\n"
        "mremap s0+1G+16M 8M 8M to s0+1G+32M+12K"
    )
    assert vmpte_changes(ops, "unmap_only", kernel, grain) == [0, 20, 20, 24]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_pte_pages_in_new_slots_entries_and_references_untouched(scheme):
    p = Process(scheme)
    p.touch(p.mmap(4 * MiB, at=A), 4 * MiB, stride=64 * KiB)
    mem = p.machine.mem
    tables = [p.mm.lookup(A + k * 2 * MiB, Level.PTE) for k in range(2)]
    slots = [int(mem.slot[t]) for t in tables]
    words, counts = mem.entries[tables[0], slice(None)].copy(), mem.refcount[tables].tolist()
    start = len(p.journal)
    p.mremap(A, 4 * MiB, to=A + 10 * MiB, old_length=4 * MiB)
    assert functions(p, Kind.MOVE) == ["move_normal_pmd"] * 2
    assert [int(mem.slot[t]) for t in tables] == [slot + 5 for slot in slots]
    assert (mem.entries[tables[0], slice(None)] == words).all()
    assert mem.refcount[tables].tolist() == counts
    assert not {Kind.SET, Kind.CLEAR} & {s.kind for s in p.journal.steps[start:]}
    p.check()


def test_a_whole_gib_moves_by_its_pmd_page():
    p = Process("unmap_only")
    p.touch(p.mmap(2 * GiB, at=A), stride=2 * MiB)
    pmd = p.mm.lookup(A, Level.PMD)
    p.mremap(A, 2 * GiB, to=B, old_length=2 * GiB)
    assert functions(p, Kind.MOVE) == ["move_normal_pud"] * 2
    assert p.mm.lookup(B, Level.PMD) == pmd and p.counters.pte == 1024
    p.check()


@pytest.mark.parametrize("grain", GRAINS)
def test_references_move_ptes_gets_on_the_new_table_and_puts_on_the_old(grain):
    p = Process("pte_refcount", grain=grain)
    p.touch(p.mmap(2 * MiB, at=A), 12 * KiB)
    old, start = p.mm.lookup(A, Level.PTE), len(p.journal)
    p.mremap(A, 12 * KiB, to=B + 4 * KiB, old_length=12 * KiB)
    new, mem = p.mm.lookup(B, Level.PTE), p.machine.mem
    told = [
        (s.fn, s.tables, s.n)
        for s in p.journal.steps[start:]
        if s.kind in (Kind.GET, Kind.PUT, Kind.UNHOOK)
    ]
    assert told == [
        ("pte_ref_init", new, 1),
        ("pte_try_get", old, 1),
        ("pte_get_many", new, 3),
        ("pte_put_many", old, 3),
        ("pte_put", old, 1),
        ("free_user_pte_table", old, 0),
        ("pte_put", new, 1),
    ]
    assert (mem.refcount[new], p.counters.pte, p.counters.present) == (3, 1, 3)
    p.check()


def test_moved_entries_skip_what_is_none_and_are_soft_dirty():
    p = Process()
    p.touch(p.mmap(64 * KiB, at=A), 64 * KiB, write=False, stride=8 * KiB)
    p.mremap(A, 64 * KiB, to=B + 4 * KiB, old_length=64 * KiB)
    assert (p.counters.zeropg, p.touch(B + 4 * KiB, 64 * KiB, write=False)) == (8, 8)
    table = p.mm.lookup(B, Level.PTE)
    assert p.machine.mem.entries.word(table, 1) & 1 << 11


@pytest.mark.parametrize(("kernel", "moves"), [("6.1", 1), ("6.12", 2), ("6.18", 2)])
def test_since_6_7_a_move_is_rounded_down_to_whole_tables_where_nothing_is_below(kernel, moves):
    p = Process("unmap_only", kernel)
    p.touch(p.mmap(4 * MiB - 64 * KiB, at=A + 64 * KiB))
    p.mremap(A + 64 * KiB, 4 * MiB - 64 * KiB, to=B + 64 * KiB, old_length=4 * MiB - 64 * KiB)
    assert functions(p, Kind.MOVE) == ["move_normal_pmd"] * moves


def test_half_a_table_moves_entry_by_entry_and_joins_what_is_at_the_new_place():
    p = Process("unmap_only")
    for at in (A, B):
        p.touch(p.mmap(2 * MiB, at=at))
    p.mremap(A, MiB, to=B, old_length=MiB)
    assert functions(p, Kind.MOVE) == [] and p.counters.present == 256 + 512
    p.mremap(A + MiB, MiB, to=A, old_length=MiB)  # within one and the same table
    assert p.touch(A, MiB) == 0 and p.counters.pte == 2
    p.check()


def test_growing_in_place_and_by_moving():
    p = Process()
    heap = p.mmap(2 * MiB, at=A)
    p.touch(heap)
    assert p.mremap(heap, 4 * MiB) == A and p.counters.vmas == 1
    p.mmap(4 * KiB, at=A + 4 * MiB)
    moved = p.mremap(A, 8 * MiB, old_length=4 * MiB, maymove=True)
    assert moved != A and p.counters.present == 512 and p.touch(moved) == 2048 - 512


def test_shrinking_unmaps_the_end_and_frees_its_tables():
    p = Process()
    heap = p.mmap(8 * MiB, at=A)
    p.touch(heap)
    assert p.mremap(heap, 2 * MiB) == A
    assert (p.counters.pte, p.counters.present) == (1, 512)


def test_growing_a_locked_mapping_faults_the_new_part_in():
    p = Process()
    heap = p.mmap(8 * KiB, at=A)
    p.mlock(heap)
    p.mremap(heap, 16 * KiB)
    assert p.counters.present == 4


def test_dontunmap_leaves_an_empty_mapping_behind():
    p = Process()
    heap = p.mmap(2 * MiB, at=A)
    p.touch(heap)
    moved = p.mremap(heap, 2 * MiB, maymove=True, dontunmap=True)
    assert (p.counters.vmas, p.counters.present) == (2, 512)
    assert p.touch(moved) == 0 and p.touch(heap) == 512


def test_what_was_at_the_new_place_goes():
    p = Process()
    p.touch(p.mmap(2 * MiB, at=A), 4 * KiB)
    p.touch(p.mmap(4 * MiB, at=B))
    p.mremap(A, 2 * MiB, to=B, old_length=2 * MiB)
    assert (p.counters.vmas, p.counters.present, p.counters.pte) == (2, 513, 2)


def test_since_6_17_a_range_of_several_mappings_moves_in_one_call():
    def two(kernel):
        p = Process("unmap_only", kernel)
        for at in (A, A + 4 * MiB):
            p.touch(p.mmap(2 * MiB, at=at), 4 * KiB)
        return p

    p = two("6.18")
    p.mremap(A, 6 * MiB, to=B, old_length=6 * MiB)
    assert [vma.start for vma in p.mm.vmas] == [B, B + 4 * MiB] and p.counters.present == 2
    with pytest.raises(KernelError) as refused:
        two("6.12").mremap(A, 6 * MiB, to=B, old_length=6 * MiB)
    assert refused.value.name == "EFAULT"


REFUSED = {
    "a negative new length": ({"where": A, "new_length": -4096}, "EINVAL", "new length -0x1000"),
    "a negative old length": (
        {"where": A, "new_length": MiB, "old_length": -4096},
        "EINVAL",
        "old length -0x1000",
    ),
    "to below 0": ({"where": A, "new_length": MiB, "to": -8 * MiB}, "EINVAL", "-0x800000"),
    "unaligned": ({"where": A + 1, "new_length": MiB}, "EINVAL", f"{A + 1:#x}"),
    "to no length": ({"where": A, "new_length": 0}, "EINVAL", "length"),
    "unaligned target": ({"where": A, "new_length": MiB, "to": B + 1}, "EINVAL", f"{B + 1:#x}"),
    "target too high": ({"where": A, "new_length": MiB, "to": 1 << 47}, "EINVAL", f"{1 << 47:#x}"),
    "onto itself": ({"where": A, "new_length": MiB, "to": A + MiB - 4096}, "EINVAL", "overlap"),
    "dontunmap may not resize": (
        {"where": A, "new_length": 2 * MiB, "maymove": True, "dontunmap": True},
        "EINVAL",
        "DONTUNMAP",
    ),
    "dontunmap must move": (
        {"where": A, "new_length": MiB, "dontunmap": True},
        "EINVAL",
        "DONTUNMAP",
    ),
    "of nothing": ({"where": B, "new_length": MiB}, "EFAULT", f"{B:#x}"),
    "beyond the mapping": (
        {"where": A + 2 * MiB, "new_length": 8 * MiB, "old_length": 4 * MiB},
        "EFAULT",
        "not one mapping",
    ),
    "no room above": (
        {"where": A, "new_length": 8 * MiB, "old_length": 2 * MiB},
        "ENOMEM",
        f"{A + 2 * MiB:#x}",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_call_names_its_input_and_changes_nothing(case):
    call, name, said = REFUSED[case]
    p = Process()
    p.touch(p.mmap(2 * MiB, at=A), 4 * KiB)
    p.mmap(2 * MiB, at=A + 2 * MiB, prot="r")
    before = everything(p)
    with pytest.raises(KernelError, match=said) as refused:
        p.mremap(**({"old_length": MiB} | call))
    assert refused.value.name == name and everything(p) == before


def test_the_old_length_0_maps_shared_memory_twice_and_keeps_its_vma_as_measured():
    p = Process()
    p.mmap(4 * MiB, at=A, shared=True)
    p.mremap(A + MiB, 4 * KiB, to=B, old_length=0)
    assert [(vma.start, vma.end) for vma in p.mm.vmas if vma.start < B] == [(A, A + 4 * MiB)]


def test_shrinking_over_a_hole_drops_the_lock_as_it_was_taken():
    p = Process()
    p.mmap(2 * MiB, at=A)
    told = [step.fn for step in do_mremap(p.mm, A, 4 * MiB, 2 * MiB)]
    assert told[0] == "mmap_write_lock" and told[-1] == "mmap_write_unlock"
