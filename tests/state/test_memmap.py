"""mem_map: one row for each page-table page, and no storage for tables without entries."""

from ptlab import KiB, MiB, Process
from ptlab.base.geometry import Level
from ptlab.state.memmap import State


def table(process, address, level=Level.PTE):
    return process.mm.lookup(address, level)


def test_a_table_knows_its_place_in_its_parent():
    p = Process()
    heap = p.mmap(4 * MiB)
    p.touch(heap, stride=2 * MiB)
    mem = p.machine.mem
    pmd, first, second = table(p, heap, Level.PMD), table(p, heap), table(p, heap + 2 * MiB)
    assert [int(mem.level[t]) for t in (pmd, first)] == [Level.PMD, Level.PTE]
    assert int(mem.parent[first]) == int(mem.parent[second]) == pmd
    assert int(mem.slot[second]) == int(mem.slot[first]) + 1 == (int(heap) >> 21) % 512 + 1
    assert mem.at(pmd, int(mem.slot[first])) == first


def test_the_life_of_a_pte_page_in_states():
    p = Process("pte_refcount")
    heap = p.mmap(2 * MiB)
    p.touch(heap, 4 * KiB)
    page = table(p, heap)
    p.madvise(heap, "DONTNEED")
    states = [State.ABSENT]
    for k in range(len(p.journal) + 1):
        p.journal.seek(k)
        now = State(int(p.machine.mem.state[page]))
        if now is not states[-1]:
            states.append(now)
    assert states == [*State][: State.FREED + 1]


def test_a_page_number_is_never_used_twice():
    p = Process("pte_refcount")
    heap = p.mmap(2 * MiB)
    seen = []
    for _ in range(3):
        p.touch(heap, 4 * KiB)
        seen.append(table(p, heap))
        p.madvise(heap, "DONTNEED")
    assert len(set(seen)) == 3
