"""Each rule that tasks can break, broken by the smallest path that does it; each has its own words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ptlab.base.facts import EntriesSet, Freed, Holder, Maps, Moved, Place, References
from ptlab.base.geometry import Level
from ptlab.base.steps import Kind, Path, Step
from ptlab.paths.mmap import do_munmap
from ptlab.process.process import Process
from ptlab.race.explore import explore
from ptlab.race.scenes import SCENES
from ptlab.race.scenes.scene import PAGE, Paths, one_table, read
from ptlab.race.scheduler import Scheduler
from ptlab.state.memmap import State

HEAP_TABLE, OTHER_TABLE = 4, 3
"""PTE pages that one_table() leaves behind, in PMD page 2."""


def run(prepare: Callable[[Process], Paths], schedule: str) -> str | None:
    """The verdict after `schedule`, and after the rest of it, each task in turn."""
    process = Process("unmap_only", "6.1")
    one_table(process, 0)
    scheduler = Scheduler(process, prepare(process))
    scheduler.run(schedule)
    while scheduler.enabled():
        scheduler.go(scheduler.enabled()[0])
    return scheduler.verdict.sentence if scheduler.verdict else None


def steps(*actions: Callable[[], Step]) -> Path[None]:
    """A path of one segment for each action."""
    for action in actions:
        yield action()


def locked(process: Process, action: Callable[[], Step], *locks: tuple[str, int]) -> Path[None]:
    """A path of one segment under these locks, one of which is of a table."""
    for name, of in locks:
        yield from process.machine.lock("toy", name, of, "spin")
    yield action()


def takes(process: Process, *locks: tuple[str, Any]) -> Path[None]:
    """Take these locks in order, then drop them."""
    for name, of in locks:
        yield from process.machine.lock("toy", name, of, "write")
    for name, _ in reversed(locks):
        yield process.machine.unlock("toy", name)


def test_access_to_a_freed_table() -> None:
    def prepare(p: Process) -> Paths:
        mem = p.machine.mem

        def look() -> Step:
            mem.entries.word(HEAP_TABLE, 0)
            return Step(Kind.LOOK, "toy", HEAP_TABLE)

        def free() -> Step:
            p.machine.others.freed(HEAP_TABLE, False)
            mem.state.raw[HEAP_TABLE] = int(State.FREED)
            return Step(Kind.FREE, "toy", HEAP_TABLE, fact=Freed())

        return {"free": steps(free), "look": steps(look, look)}

    assert run(prepare, "BAB") == "task B reads PTE page 4, freed 1 step ago"


def test_an_entry_lost_without_a_zap() -> None:
    def prepare(p: Process) -> Paths:
        unhook = partial(p.mm.unhook_pte, HEAP_TABLE, "toy")
        locks = ("mmap_lock", p.mm.id), ("pmd_lock", 2), ("ptl", HEAP_TABLE)
        return {"unhook": locked(p, unhook, *locks)}

    assert run(prepare, "A") == ("task A unhooks PTE page 4 with 1 entry in it, lost without a zap")


def test_an_entry_overwritten() -> None:
    def prepare(p: Process) -> Paths:
        def write() -> Step:
            p.machine.mem.write(HEAP_TABLE, 0, 0x1234067)
            return Step(Kind.SET, "toy", HEAP_TABLE, 1, 1, EntriesSet(slice(0, 1), Maps.PAGE))

        return {"write": locked(p, write, ("ptl", HEAP_TABLE))}

    assert run(prepare, "A") == (
        "task A overwrites an entry of PTE page 4: the page that it mapped is lost"
    )


def test_a_reference_count_that_is_not_entries_and_visitors() -> None:
    process = Process("pte_refcount")
    one_table(process, 0)
    mem = process.machine.mem

    def wrong() -> Step:
        mem.store.add(mem, "refcount", HEAP_TABLE, 1)
        return Step(Kind.GET, "toy", HEAP_TABLE, 1, 1, References(Holder.VISITOR, 1, 2))

    verdict = Scheduler(process, {"get": steps(wrong)}).run("A")
    assert verdict.sentence == (
        "PTE page 4: 2 references, but 1 entries, 0 visitors and 0 still to be put"
    )


def test_a_table_leaked_at_rest() -> None:
    def prepare(p: Process) -> Paths:
        def alloc() -> Step:
            return Step(Kind.ALLOC, "pte_alloc_one", int(p.machine.mem.alloc(p.mm.id, Level.PTE)))

        return {"alloc": steps(alloc)}

    assert run(prepare, "AA") == ("PTE page 5 has leaked: it is in no tree and was never freed")


def test_two_tables_in_one_slot() -> None:
    def prepare(p: Process) -> Paths:
        mem = p.machine.mem

        def install() -> Step:
            table = int(mem.alloc(p.mm.id, Level.PTE))
            mem.hook(table, 2, 0)
            return Step(Kind.INSTALL, "toy", table)

        return {"install": locked(p, install, ("pmd_lock", 2))}

    assert run(prepare, "A") == (
        "task A installs PTE page 5 at slot 0 of PMD page 2, where PTE page 4 is: two tables in "
        "one slot"
    )


def test_a_stale_tlb_entry() -> None:
    def prepare(p: Process) -> Paths:
        heap = p.mm.vmas[0].start

        def twice() -> Path[None]:
            yield from read(p, heap)
            yield from read(p, heap)

        def free() -> Step:
            sanitizer = p.machine.others
            sanitizer.free_frames([one.frame for one in sanitizer.tlb[0].values()])
            return Step(Kind.LOOK, "toy", HEAP_TABLE)

        return {"read twice": twice(), "free the page": steps(free)}

    verdict = run(prepare, "ABA")
    assert verdict is not None
    assert verdict.startswith("task A uses a stale TLB entry: 0x100000000000 still leads to page")


def test_the_documented_lock_order() -> None:
    def prepare(p: Process) -> Paths:
        return {"truncate": takes(p, ("i_mmap_rwsem", 0), ("mmap_lock", 0))}

    assert run(prepare, "AAA") == (
        "task A wants mmap_lock while it holds i_mmap_rwsem: lock order, mmap_lock comes first"
    )


def test_a_lock_order_seen_before() -> None:
    def prepare(p: Process) -> Paths:
        return {
            "one, two": takes(p, ("one", 0), ("two", 0)),
            "two, one": takes(p, ("two", 0), ("one", 0)),
        }

    assert run(prepare, "AAAAAAA") == (
        "task B wants one while it holds two: lock order, task A took them the other way round "
        "in step 3"
    )


def test_a_cycle_of_three_locks() -> None:
    def prepare(p: Process) -> Paths:
        return {
            "one, two": takes(p, ("one", 0), ("two", 0)),
            "two, three": takes(p, ("two", 0), ("three", 0)),
            "three, one": takes(p, ("three", 0), ("one", 0)),
        }

    assert run(prepare, "") == (
        "task C wants one while it holds three: a cycle of locks, for task A took two inside one in "
        "step 3, and task B took three inside two in step 10"
    )


def test_the_inversion_of_the_review_is_seen_twice() -> None:
    """As a wrong order, with one task; and as the deadlock, in which both tasks wait."""
    order, deadlock = explore(SCENES["truncate"]), explore(SCENES["inversion"])
    assert "wants mmap_lock while it holds i_mmap_rwsem" in order.verdict.sentence
    assert deadlock.verdict.sentence == (
        "deadlock: task A waits for mmap_lock (write), which task B holds, "
        "task B waits for i_mmap_rwsem (write), which task A holds"
    )


def test_a_deadlock() -> None:
    def prepare(p: Process) -> Paths:
        return {
            "3, then 4": takes(p, ("ptl", OTHER_TABLE), ("ptl", HEAP_TABLE)),
            "4, then 3": takes(p, ("ptl", HEAP_TABLE), ("ptl", OTHER_TABLE)),
        }

    assert run(prepare, "AABBAB") == (
        "deadlock: task A waits for PTE lock of PTE page 4, which task B holds, "
        "task B waits for PTE lock of PTE page 3, which task A holds"
    )


def test_starvation_of_a_retry_loop() -> None:
    """The table is dying; the fault keeps the PMD lock, without which it cannot be unhooked."""
    verdict = SCENES["dying"].run("AAAA" + 26 * "B" + "AAAAA").verdict
    assert verdict.sentence == (
        "starvation: task A polls for ever: nothing that it looks at changes (PTE page 5 has a "
        "count of 0 and 0 entries), "
        "task B waits for PMD lock of PMD page 2, which task A holds"
    )


def test_a_lock_that_is_never_dropped() -> None:
    def toy(p: Process) -> Path[None]:
        yield from p.machine.lock("toy", "mmap_lock", 0, "read")

    def prepare(p: Process) -> Paths:
        return {"lock": toy(p)}

    assert run(prepare, "A") == "a lock is still held: mmap_lock"


def test_nothing_is_said_of_a_path_that_keeps_the_rules() -> None:
    def prepare(p: Process) -> Paths:
        return {"munmap": do_munmap(p.mm, p.mm.vmas[0].start, PAGE)}

    assert run(prepare, "") is None


def test_a_move_onto_something() -> None:
    def prepare(p: Process) -> Paths:
        mem = p.machine.mem

        def move() -> Step:
            mem.unhook(HEAP_TABLE)
            mem.hook(HEAP_TABLE, 2, int(mem.slot.raw[OTHER_TABLE]))
            return Step(Kind.MOVE, "toy", HEAP_TABLE, 0, 1, Moved(Place(2, 0), Place(2, 1)))

        return {"move": locked(p, move, ("mmap_lock", p.mm.id), ("pmd_lock", 2))}

    assert "task A overwrites an entry of PMD page 2" in str(run(prepare, "A"))
