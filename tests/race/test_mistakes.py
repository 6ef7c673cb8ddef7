"""A mistake in a design of one's own ends in a sentence with its class, point and line."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from ptlab import race, races
from ptlab.base.errors import SchemeMistake
from ptlab.base.steps import Kind, Step
from ptlab.race.explore import explore
from ptlab.race.scenes import SCENES
from ptlab.race.scenes.scene import PAGE, Paths, Scene, Variant, one_table, two_zaps, write
from ptlab.schemes import ReclaimScheme, UnmapOnly
from ptlab.schemes.empty_tables import unhook_if_empty


class Own(ReclaimScheme):
    """What the mistaken ones have in common."""

    def __init__(self) -> None:
        self.seen: Any = defaultdict(bool)
        self.rows = np.zeros(64, np.int64)
        self.names: set[int] = set()
        self.lists: Any = {"a": []}
        self.last: Any = None


def zapping(body: Any) -> type[ReclaimScheme]:
    """A design whose `zapped` does `body`."""

    class Mistaken(Own):
        def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
            yield from body(self, mm, tables)

    return Mistaken


def look(tables: int) -> Step:
    return Step(Kind.LOOK, "mistaken", tables)


class Misses(Own):
    def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
        yield mm.machine.lock("mistaken", "ptl", tables, "spin")


class DropsWhatIsNotHeld(Own):
    def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
        yield mm.machine.unlock("mistaken", "ptl")


class YieldsNothing(Own):
    def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
        while True:
            yield


class ReturnsNone(Own):
    def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
        pass


class ReturnsAStep(Own):
    def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
        return look(tables)


class YieldsText(Own):
    def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
        yield "unhook"


class PutsBeyondTheEnd(Own):
    def __init__(self) -> None:
        self.words = [0]

    def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
        mm.machine.store.put(self, "words", 1, True)
        yield look(tables)


class LocksInNoMode(Own):
    def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
        yield from mm.machine.lock("mine", "my_lock", 0, "reed")


class Fails(Own):
    def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
        yield {}[tables]


class FailsByIndex(Own):
    def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
        yield [][tables]


class KeepsInTheClass(Own):
    known: Any = {}  # noqa: RUF012

    def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
        self.known[tables] = self.known.get(tables, 0) + 1
        yield look(tables)


class PutsIntoANumber(Own):
    def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
        mm.machine.store.put(self, "last", 0, tables)
        yield look(tables)


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        (Misses, "Write `yield from lock(...)`"),
        (DropsWhatIsNotHeld, "drops ptl, which is not held. Held is mmap_lock"),
        (YieldsNothing, "yields None, where a Step belongs"),
        (ReturnsNone, "zapped returns None. A point gives its steps"),
        (ReturnsAStep, "zapped returns a Step: let it yield the Step"),
        (YieldsText, "yields 'unhook', where a Step belongs"),
        (PutsBeyondTheEnd, "IndexError: list assignment index out of range. It is this line"),
        (LocksInNoMode, "unknown mode 'reed' (did you mean read?): one of read, users, write"),
        (Fails, "KeyError: 4. It is this line that fails, not the kernel"),
        (FailsByIndex, "IndexError: list index out of range. It is this line"),
        (KeepsInTheClass, "KeepsInTheClass.known has changed. It belongs to the class"),
        (PutsIntoANumber, "self.last, which is None: it must be a dict, a list or a numpy array"),
    ],
)
def test_each_mistake_has_its_sentence(scheme: type[ReclaimScheme], said: str) -> None:
    scene = SCENES["put-locked"]
    with pytest.raises(SchemeMistake) as caught:
        explore(scene, scene.under(scheme))
    assert said in str(caught.value) and f"{scheme.__name__}.zapped" in str(caught.value)
    if not said.startswith("zapped returns"):
        line = scheme.zapped.__code__.co_firstlineno
        assert any(f", line {line + k}" in str(caught.value) for k in range(1, 4))


WRITES = {
    "self.seen[4] = True": lambda self, mm: self.seen.__setitem__(4, True),
    "an array": lambda self, mm: self.rows.__setitem__(4, 1),
    "add": lambda self, mm: self.names.add(4),
    "setdefault": lambda self, mm: self.seen.setdefault(4, True),
    "a list in a dict": lambda self, mm: self.lists["a"].append(4),
    "a list among the values": lambda self, mm: next(iter(self.lists.values())).append(4),
    "an attribute": lambda self, mm: setattr(self, "last", 4),
    "a new attribute": lambda self, mm: setattr(self, "new", 4),
    "a reference count": lambda self, mm: mm.machine.mem.refcount.__setitem__(4, 1),
    "a state": lambda self, mm: mm.machine.mem.state.__setitem__(4, 2),
    "an entry": lambda self, mm: mm.machine.mem.entries.__setitem__((4, 0), 0),
    "a counter": lambda self, mm: mm.counters.__setitem__(0, 0),
}


@pytest.mark.parametrize("how", WRITES)
def test_what_is_written_past_the_store_is_refused_with_the_line(how: str) -> None:
    def body(self: Any, mm: Any, tables: int) -> Any:
        WRITES[how](self, mm)
        yield look(tables)

    scene = SCENES["put-locked"]
    with pytest.raises(
        SchemeMistake, match=r"Mistaken\.<lambda>, line \d+: .* writes past the store"
    ):
        explore(scene, scene.under(zapping(body)))


def test_what_cannot_be_watched_is_refused() -> None:
    class Strange(ReclaimScheme):
        def __init__(self) -> None:
            self.box = object()

    with pytest.raises(
        SchemeMistake, match=r"Strange: self\.box is a object, whose changes nobody"
    ):
        race("put-locked", scheme=Strange)


def test_a_name_that_is_no_point() -> None:
    with pytest.raises(TypeError, match=r"Near\.zaped, line \d+: .*did you mean zapped\?"):

        class Near(ReclaimScheme):
            def zaped(self, mm: Any, tables: Any) -> Any: ...

    with pytest.raises(
        TypeError, match=r"Far\.on_zap, line \d+: .*the points are background, check"
    ):

        class Far(ReclaimScheme):
            def on_zap(self, mm: Any, tables: Any) -> Any: ...

    class Fine(ReclaimScheme):
        def zapped(self, mm: Any, tables: Any, walk: Any, why: str, tlb: Any) -> Any:
            return self.free_it(mm)

        def free_it(self, mm: Any) -> Any:
            return ()

        def _mine(self, mm: Any) -> None: ...


def test_a_point_that_never_ends() -> None:
    def body(self: Any, mm: Any, tables: int) -> Any:
        while True:
            yield look(tables)

    scene = SCENES["put-locked"]
    result = explore(scene, scene.under(zapping(body)))
    assert "task A does not come to an end: after 600 steps it is in" in result.verdict.sentence
    assert result.schedules == 1 and "(600 steps)" in result.sentence


def test_a_number_that_is_no_table() -> None:
    def body(self: Any, mm: Any, tables: int) -> Any:
        yield from unhook_if_empty(mm, 12345678, "mine", "pte_offset_map_lock")

    scene = SCENES["put-locked"]
    said = " ".join(str(explore(scene, scene.under(zapping(body))).verdict).split())
    assert "follows a corrupted page table, or what Mistaken.body, line " in said
    assert "has handed on, and fails (index 12345678 is out of bounds" in said


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda process: None, "prepare returns None; it returns the tasks by what they do"),
        (lambda process: {}, "prepare returns {}; it returns the tasks"),
        (lambda process: {"map": process.mmap(PAGE)}, "task 'map' is a Region, which has no steps"),
    ],
)
def test_a_scene_whose_stage_gives_no_tasks(prepare: Any, said: str) -> None:
    plain = Variant(UnmapOnly)
    with pytest.raises(SchemeMistake, match="scene mine: ") as caught:
        races(UnmapOnly, scenes=[Scene("mine", "", "", prepare, plain, plain)])
    assert said in str(caught.value)


def test_a_scene_of_ones_own() -> None:
    def prepare(process: Any) -> Paths:
        heap = one_table(process, 0)
        return {"write page 1": write(process, heap + PAGE)}

    plain = Variant(UnmapOnly)
    mine = Scene("mine", "One task", "nothing", prepare, plain, plain)
    (result,) = races(UnmapOnly, scenes=[mine])
    assert (result.scene, result.result, result.schedules) == ("mine", "exhausted", 1)
    played = race(mine, "fixed", schedule="AAA")
    assert played.enabled == "A"
    twice = Scene("twice", "", "", lambda process: two_zaps(PAGE, process), plain, plain)
    assert [one.scene for one in races("unmap_only", scenes=[twice, "install"])] == [
        "twice",
        "install",
    ]
