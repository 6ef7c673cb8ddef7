"""Two accesses in one segment: something must make them atomic, or the segment is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab.base.steps import Kind, Path, Step
from ptlab.process.process import Process
from ptlab.race.broken_rule import NotAtomic
from ptlab.race.explore import explore
from ptlab.race.scenes import SCENES
from ptlab.race.scenes.scene import Paths, Scene, Variant, one_table
from ptlab.schemes import ReclaimScheme
from ptlab.state.mm import Mm

TABLE = 4


def look() -> Step:
    return Step(Kind.LOOK, "toy", TABLE)


class Remembers(ReclaimScheme):
    """The words are read and written one at a time, each by one atomic operation."""

    written_atomically = frozenset({"words"})

    def __init__(self) -> None:
        self.words = [0, 0, 0]


class TwoAtOnce(Remembers):
    """What is in one word is worked out from another."""

    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        mm.machine.store.put(self, "words", 1, self.words[0] + 1)
        mm.machine.store.add(self, "words", 0, 1)
        yield look()


class OneAfterTheOther(Remembers):
    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        seen = self.words[0]
        yield look()
        mm.machine.store.put(self, "words", 1, seen + 1)
        yield look()
        mm.machine.store.add(self, "words", 0, 1)
        yield look()


class UnderALock(Remembers):
    mode = "spin"

    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        yield from mm.machine.lock("mine", "my_lock", 0, self.mode)
        mm.machine.store.put(self, "words", 1, self.words[0] + 1)
        mm.machine.store.add(self, "words", 0, 1)
        yield mm.machine.unlock("mine", "my_lock")


class ForReadOnly(UnderALock):
    mode = "read"


class AWordOfItsOwn(Remembers):
    """Nobody else uses these: what is in one segment is nobody's business."""

    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        task = mm.machine.task
        mm.machine.store.put(self, "words", task, self.words[task] + 1)
        mm.machine.store.add(self, "words", task, 1)
        yield look()


@pytest.mark.parametrize("scheme", [TwoAtOnce, ForReadOnly])
def test_two_accesses_that_nothing_makes_atomic(scheme: type[ReclaimScheme]) -> None:
    scene = SCENES["put-locked"]
    result = explore(scene, scene.under(scheme))
    said = result.verdict.sentence
    assert "uses self.words[0] and self.words[1] in one step" in said
    assert f"({scheme.__name__}.zapped, line " in said
    assert "no lock is held around both" in said


class Grows(Remembers):
    """An array with a row for each table is made longer."""

    def __init__(self) -> None:
        self.words = np.zeros(4, np.int64)  # type: ignore[assignment]

    def zapped(self, mm: Mm, tables: Any, walk: Any, why: str, tlb: Any) -> Path[None]:
        more = np.zeros(len(self.words), np.int64)
        self.words = np.concatenate([self.words, more])  # type: ignore[assignment]
        mm.machine.store.add(self, "words", mm.machine.task, 1)
        yield look()


@pytest.mark.parametrize("scheme", [OneAfterTheOther, UnderALock, AWordOfItsOwn, Grows])
def test_what_is_declared_or_apart_is_right(scheme: type[ReclaimScheme]) -> None:
    scene = SCENES["put-locked"]
    result = explore(scene, scene.under(scheme))
    assert result.result == "exhausted", result


def test_who_judges_is_no_task() -> None:
    """A check() that reads everything makes nobody's segment larger."""

    class Checked(OneAfterTheOther):
        def check(self, mm: Mm) -> list[str]:
            return [] if sum(self.words) >= 0 else ["a word is below 0"]

    scene = SCENES["put-locked"]
    assert explore(scene, scene.under(Checked)).result == "exhausted"


# -- every program: what nothing makes atomic is found, and only that --

WORDS = st.integers(0, 2)
ACTIONS = st.tuples(st.sampled_from(["read", "write", "lock", "step"]), WORDS)


def run(scheme: Remembers, mm: Mm, actions: list[Any]) -> Path[None]:
    """Reads and writes of words, with a yield between where the program says so."""
    for what, word in actions:
        if what == "step":
            yield look()
        elif what == "lock":
            yield from mm.machine.lock("mine", "my_lock", 0, "spin")
            mm.machine.store.put(scheme, "words", word, scheme.words[(word + 1) % 3])
            yield mm.machine.unlock("mine", "my_lock")
        elif what == "read":
            scheme.words[word]
        else:
            mm.machine.store.put(scheme, "words", word, 1)
    yield look()


def uses(actions: list[Any]) -> list[list[tuple[int, bool, bool]]]:
    """The same by segment: word, whether it is written, whether under the lock."""
    segments: list[list[tuple[int, bool, bool]]] = [[]]
    for what, word in actions:
        if what == "lock":
            segments += [[((word + 1) % 3, False, True), (word, True, True)], []]
        elif what == "step":
            segments.append([])
        else:
            segments[-1].append((word, what == "write", False))
    return segments


def torn(mine: list[Any], theirs: list[Any]) -> bool:
    """By the definition: two words in one segment, and the other task comes between."""
    for segment in uses(mine):
        for k, (first, write, locked) in enumerate(segment):
            for then, write_2, locked_2 in segment[k + 1 :]:
                for word, also, locked_3 in [use for part in uses(theirs) for use in part]:
                    kept_out = locked and locked_2 and locked_3
                    matters = (word == first and (also or write)) or (
                        word == then and (also or write_2)
                    )
                    if first != then and matters and not kept_out:
                        return True
    return False


@settings(max_examples=60)
@given(*[st.lists(ACTIONS, min_size=1, max_size=4)] * 2)
def test_of_random_programs_those_fail_that_can_be_torn(one: Any, other: Any) -> None:
    def prepare(process: Process) -> Paths:
        one_table(process, 0)
        return {
            str(n): run(process.scheme, process.mm, actions)  # type: ignore[arg-type]
            for n, actions in enumerate((one, other))
        }

    plain = Variant(Remembers)
    found = explore(Scene("toy", "", "", prepare, plain, plain), plain, most=1)
    rules = [type(rule) for rule in found.verdict.broken] if found.verdict else []
    assert (NotAtomic in rules) == (torn(one, other) or torn(other, one))
