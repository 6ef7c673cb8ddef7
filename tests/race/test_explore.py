"""The explorer: what the reduction leaves out would have ended alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from ptlab.race.all_scenes import races
from ptlab.race.broken_locks import BreaksLockOrder, Deadlock
from ptlab.race.explore import Job, explore, search
from ptlab.race.limits import Limits
from ptlab.race.scenes import SCENES
from tests.support.toys import scene
from tests.support.traces import canonical, recording


def programs(seed: int) -> list[list[tuple[Any, ...]]]:
    """Two or three random little programs that share three words and two locks."""
    chance = random.Random(seed)

    def program(length: int) -> Iterator[tuple[Any, ...]]:
        for _ in range(length):
            kind = chance.choice(["set", "copy", "locked", "try", "both"])
            if kind == "set":
                yield "set", chance.randrange(3), chance.randrange(1, 50)
            elif kind == "copy":
                yield "copy", chance.randrange(3), chance.randrange(3)
            elif kind == "try":
                yield "try", chance.choice(["one", "two"])
            else:
                names = ["one", "two"] if kind == "both" else [chance.choice(["one", "two"])]
                chance.shuffle(names)
                mode = chance.choice(["spin", "read"])
                for name in names:
                    yield "lock", name, mode
                yield "copy", chance.randrange(3), chance.randrange(3)
                for name in reversed(names):
                    yield "unlock", name

    return [list(program(n)) for n in chance.choice([(1, 2), (2, 2), (1, 1, 1)])]


@pytest.mark.parametrize("seed", range(14))
def test_the_reduction_finds_every_end_that_plain_search_finds(seed: int) -> None:
    reduced, plain = scene(programs(seed)), scene(programs(seed))
    few = search(reduced, "fixed", Job("", {}))
    all_of_them = search(plain, "fixed", Job("", {}), Limits(most=1200), reduce=False)
    assert reduced.ends() >= plain.ends()
    if not all_of_them.cut:
        assert reduced.ends() == plain.ends()
        assert few.schedules + few.pruned <= all_of_them.schedules


@pytest.mark.parametrize("seed", range(14, 22))
def test_each_trace_is_run_exactly_once(seed: int) -> None:
    """All schedules, sorted by what happened before what: of each sort the search runs one."""
    toy = scene(in_order(programs(seed)))
    with recording() as few:
        assert not search(toy, "fixed", Job("", {})).failures
    with recording() as everything:
        found = search(toy, "fixed", Job("", {}), Limits(most=800), reduce=False)
    once = [canonical(events) for scheduler, events in few if not scheduler.enabled()]
    assert len(once) == len(set(once))
    all_traces = {canonical(events) for _, events in everything}
    assert all_traces <= set(once)
    if not found.cut:
        assert all_traces == set(once)


def in_order(programs: list[list[tuple[Any, ...]]]) -> list[list[tuple[Any, ...]]]:
    """The same programs, but lock "one" is always taken before lock "two": nothing can fail."""

    def sort(program: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        fixed = list(program)
        for k in range(len(fixed) - 1):
            pair = fixed[k], fixed[k + 1]
            if pair[0][:2] == ("lock", "two") and pair[1][:2] == ("lock", "one"):
                fixed[k], fixed[k + 1] = pair[1], pair[0]
        return fixed

    return [sort(program) for program in programs]


def test_one_lost_update_and_how_many_schedules_it_takes() -> None:
    both = [[("copy", 0, 0)], [("copy", 0, 0)]]
    assert explore(scene(both), "fixed").schedules == 2
    apart = [[("set", 0, 1)], [("set", 1, 1)]]
    assert explore(scene(apart), "fixed").schedules == 1


def test_a_deadlock_is_found_and_told() -> None:
    one, two = ("lock", "one", "spin"), ("lock", "two", "spin")
    crossed = [
        [one, two, ("unlock", "two"), ("unlock", "one")],
        [two, one, ("unlock", "one"), ("unlock", "two")],
    ]
    result = explore(scene(crossed), "fixed")
    assert result.result == "failure" and result.verdict is not None
    assert isinstance(result.verdict.broken[0], BreaksLockOrder | Deadlock)


def test_a_bound_is_stated_and_no_proof() -> None:
    result = explore(SCENES["install"], "fixed", preemptions=1)
    assert result.result == "bounded"
    assert result.bound == "up to 1 preemption" and "this is not 'no failure'" in result.sentence
    cut = explore(SCENES["abc"], "fixed", most=5)
    assert (cut.result, cut.bound) == ("bounded", "in the first 5 schedules")
    with pytest.raises(ValueError, match="preemptions: -1 is below 0"):
        explore(SCENES["abc"], preemptions=-1)
    with pytest.raises(ValueError, match="most: 0 is below 1"):
        explore(SCENES["abc"], most=0)
    with pytest.raises(ValueError, match="seconds: 0 must be above 0"):
        explore(SCENES["abc"], seconds=0)


def test_a_search_ends_when_its_time_is_over_or_at_the_first_failure() -> None:
    late = explore(SCENES["abc"], "fixed", seconds=1e-6)
    assert (late.result, late.schedules) == ("bounded", 1)
    assert "no failure in the first 1 schedule (1e-06 s are over); this is not" in str(late)
    whole, first = explore(SCENES["abc"]), explore(SCENES["abc"], first=True)
    assert first.verdict is not None and first.schedules < whole.schedules
    with ThreadPoolExecutor(1) as executor:
        assert explore(SCENES["abc"], executor=executor, first=True).result == "failure"


@pytest.mark.parametrize("scheme", ["unmap_only", "pt_reclaim", "percpu_ref"])
def test_each_result_says_whether_it_was_exercised(scheme: str) -> None:
    """Whatever the result is: a failure, all schedules, or some of them."""
    for result in races(scheme, scenes=["slow-path", "pmd-same", "try-get-rcu"], most=3):
        said = "exercised: in some schedule" if result.exercised else "not exercised: it happens in"
        assert result.sentence.count(said) == 1


def test_a_replay_comes_to_the_same_state() -> None:
    """What is not judged a second time still happens: the next footprints are the same."""
    for name in ("dying", "slow-path", "gup-fast", "truncate"):
        first, again = SCENES[name].start("fixed"), SCENES[name].start("fixed")
        events = []
        while first.enabled():
            letter = first.enabled()[-1]
            events.append((letter, first.go(letter).footprint))
        half = len(events) // 2
        again.replay(events[:half])
        for letter, footprint in events[half:]:
            assert letter in again.enabled()
            assert again.go(letter).footprint == footprint
        assert again.schedule == first.schedule and again.verdict is None


def test_the_parts_of_a_search_are_the_whole() -> None:
    whole = explore(SCENES["dying"], "fixed")
    with ThreadPoolExecutor(1) as executor:
        parts = explore(SCENES["dying"], "fixed", executor)
    assert (parts.result, parts.schedules) == (whole.result, whole.schedules)


def test_a_process_pool_finds_the_same() -> None:
    alone = explore(SCENES["pmd-same"])
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        together = explore(SCENES["pmd-same"], executor=pool)
        fixed = explore(SCENES["pmd-same"], "fixed", pool)
    assert fixed.result == "exhausted"
    assert (together.result, together.shortest) == (alone.result, alone.shortest)


def test_a_dask_executor_finds_the_same() -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.Client(processes=False, n_workers=2, dashboard_address=None) as client:
        result = explore(SCENES["pmd-same"], executor=client.get_executor())
    assert result.shortest == explore(SCENES["pmd-same"]).shortest


def test_an_ipyparallel_executor_finds_the_same() -> None:
    ipyparallel = pytest.importorskip("ipyparallel")
    with ipyparallel.Cluster(n=2) as client:
        client[:].use_cloudpickle()
        result = explore(SCENES["pmd-same"], executor=client.executor())
    assert result.shortest == explore(SCENES["pmd-same"]).shortest
