"""The reduction loses no end: random small tasks, all their schedules, and the reduced search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ptlab.base.facts import Lock
from ptlab.base.footprint import Access, Footprint
from ptlab.race.dpor import dependent
from ptlab.race.explore import Job, search
from ptlab.race.limits import Limits
from tests.support.toys import scene

words = st.integers(0, 2)
operations: st.SearchStrategy[tuple[Any, ...]] = st.one_of(
    st.just(("walk",)),
    st.just(("free", "by RCU")),
    st.just(("free", "at once")),
    st.just(("free", "too early")),
    st.tuples(st.just("set"), words, st.integers(1, 50)),
    st.tuples(st.just("copy"), words, words),
    st.tuples(st.just("try"), st.just("one")),
)

INTERRUPTS = {
    "read": (Lock("interrupts", 0, "read"), Access.READ),
    "write": (Lock("interrupts", 0, "write"), Access.WRITE),
}


@example(([("walk",)], [("free", "too early")]))
@settings(max_examples=12)
@given(st.tuples(*[st.lists(operations, min_size=1, max_size=2)] * 2))
def test_sections_of_rcu_and_what_waits_for_them(
    programs: tuple[list[tuple[Any, ...]], ...],
) -> None:
    reduced, plain = scene(list(programs)), scene(list(programs))
    few = search(reduced, "fixed", Job("", {}))
    everything = search(plain, "fixed", Job("", {}), Limits(most=600), reduce=False)
    assert reduced.ends() >= plain.ends()
    if not everything.cut:
        assert reduced.ends() == plain.ends()
        assert few.schedules <= everything.schedules


def test_a_section_may_begin_late_but_not_early() -> None:
    begins, queues = {"section": Access.WRITE | Access.LATE}, {"section": Access.READ}
    assert dependent(begins, queues)
    assert not dependent(queues, begins)


def test_a_hand_over_and_its_grace_period_are_never_tried_the_other_way_round() -> None:
    """Nor is the end of a section that holds the grace period up: no schedule is given up."""
    for programs in ([("free", "by RCU")], [("set", 2, 3)]), ([("walk",)], [("free", "by RCU")]):
        few = search(scene(list(programs)), "fixed", Job("", {}))
        assert (few.pruned, few.failures) == (0, {})
    alone = search(scene([[("free", "by RCU")], [("set", 2, 3)]]), "fixed", Job("", {}))
    assert alone.schedules == 1


def test_two_flushes_commute_but_not_a_flush_and_a_walk() -> None:
    scheduler = scene([[("set", 0, 1)], [("set", 1, 1)]]).start("fixed")
    sanitizer = scheduler.sanitizer

    def footprint(task: int, does: Callable[..., object], *args: Any) -> Footprint:
        scheduler.machine.task = task
        does(*args)
        return sanitizer.take()

    flushes = [footprint(task, sanitizer.flush, None, True) for task in (0, 1)]
    waits = [footprint(task, sanitizer.lock, *INTERRUPTS["write"]) for task in (0, 1)]
    walks = footprint(0, sanitizer.translate, 0, 4096, False)
    off = footprint(0, sanitizer.lock, *INTERRUPTS["read"])
    assert not dependent(*flushes) and not dependent(*waits)
    assert all(dependent(walks, flush) for flush in flushes)
    assert all(dependent(off, wait) for wait in waits)
