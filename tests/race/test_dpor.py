"""The reduction loses no end: random small tasks, all their schedules, and the reduced search."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ptlab.base.footprint import Access
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
