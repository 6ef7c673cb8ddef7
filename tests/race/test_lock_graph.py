"""A cycle of locks is found over all runs, also where no run has both of its orders."""

from __future__ import annotations

from ptlab.base.steps import Path
from ptlab.process.process import Process
from ptlab.race.broken_locks import Deadlock, InCycle
from ptlab.race.explore import explore
from ptlab.race.lock_graph import Link, LockGraph
from ptlab.race.scenes import SCENES, Scene, Variant
from ptlab.schemes import UnmapOnly


def _link(first: str, then: str) -> Link:
    return Link(first, then, "A", 1, "work", ("f",), "A")


def test_a_cycle_is_found_once_and_the_shortest_way_round() -> None:
    graph = LockGraph()
    graph.add(_link(*pair) for pair in ("ab", "bc", "ca", "cd", "xy"))
    (cycle,) = graph.cycles()
    assert {(link.first, link.then) for link in cycle.links} == {("a", "b"), ("b", "c"), ("c", "a")}
    graph.add([_link("b", "a")])
    assert min(len(cycle.links) for cycle in graph.cycles()) == 2
    assert graph.way("x", "a") == ()


def test_the_inversion_of_the_thread_is_a_cycle_and_a_deadlock() -> None:
    result = explore(SCENES["inversion"], "broken")
    assert result.verdict is not None and isinstance(result.verdict.broken[0], Deadlock)
    (cycle,) = result.locks.cycles()
    assert {(link.then, link.first) for link in cycle.links} == {
        ("mmap_lock", "i_mmap_rwsem"),
        ("i_mmap_rwsem", "mmap_lock"),
    }
    assert 'mmap_lock inside i_mmap_rwsem in "truncate" (do_truncate() > unmap' in cycle.sentence
    assert 'i_mmap_rwsem inside mmap_lock in "munmap" (do_munmap() > do_vmi' in cycle.sentence
    assert cycle.sentence in result.sentence
    assert ("i_rwsem", "mmap_lock") in result.locks.links  # the inode lock of the mail


def _one_after_the_other(process: Process) -> dict[str, Path[None]]:
    """Task B comes to its locks only where A is done, and then the other way round."""
    machine, turn = process.machine, [0]

    def two(first: str, then: str, mine: int) -> Path[None]:
        yield from machine.lock("gate", "gate", 0, "write")
        machine.others.note("turn", 3)
        if mine == turn[0] == 0:
            turn[0] = mine + 1
            yield from machine.lock("f", first, 0, "write")
            yield from machine.lock("f", then, 0, "write")
            yield machine.unlock("f", then)
            yield machine.unlock("f", first)
        elif not turn[0]:
            turn[0] = 2
            yield from machine.lock("g", then, 0, "write")
            yield from machine.lock("g", first, 0, "write")
            yield machine.unlock("g", first)
            yield machine.unlock("g", then)
        yield machine.unlock("gate", "gate")

    return {"one": two("left", "right", 0), "other": two("left", "right", 1)}


def test_two_orders_that_never_meet_in_one_schedule_are_a_failure() -> None:
    scene = Scene("gate", "", "", _one_after_the_other, Variant(UnmapOnly), Variant(UnmapOnly))
    result = explore(scene, "fixed")
    assert result.result == "failure" and result.verdict is not None
    assert isinstance(result.verdict.broken[0], InCycle)
    assert 'right inside left in "one"' in result.verdict.sentence
    assert 'left inside right in "other"' in result.verdict.sentence


def test_the_locks_of_all_scenes_together_are_in_no_cycle() -> None:
    graph = LockGraph()
    for scene in SCENES.values():
        graph.add(explore(scene, "fixed", most=12).locks.links.values())
    assert not graph.cycles()
    assert ("mmap_lock", "ptl") in graph.links and ("i_rwsem", "i_mmap_rwsem") in graph.links
