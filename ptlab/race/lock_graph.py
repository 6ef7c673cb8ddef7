"""Which lock is taken inside which, over all runs: a cycle can end in a deadlock, also where none did.

lockdep in spirit (Documentation/locking/lockdep-design.rst, Linux 6.12): a lock stands for its class,
so that two runs, or two scenes, that never met are compared. A trylock does not wait and is no link.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import GeneratorType
from typing import Any, NamedTuple

from ptlab.base.call_path import in_kernel
from ptlab.base.lines import wrapped
from ptlab.state.scheme import POINTS


class Link(NamedTuple):
    """Lock `then` is wanted while `first` is held.

    task, step  who was first to do so, and in which segment of the schedule
    doing       what the task does, such as "munmap"
    path        the kernel functions that it was in, the outermost first
    schedule    the schedule so far
    """

    first: str
    then: str
    task: str
    step: int
    doing: str
    path: tuple[str, ...]
    schedule: str

    def __str__(self) -> str:
        return f"task {self.task} took {self.then} inside {self.first} in step {self.step}"

    @property
    def told(self) -> str:
        """'mmap_lock inside i_mmap_rwsem in "truncate", by way of do_truncate() and f()'."""
        way = " > ".join(f"{name}()" for name in self.path)
        return f'{self.then} inside {self.first} in "{self.doing}" ({way})'


class LockCycle(NamedTuple):
    """Locks that are taken inside each other, all around. `sentence` names each link and who made it."""

    links: tuple[Link, ...]

    @property
    def sentence(self) -> str:
        """'a cycle of locks: ..., and ...'."""
        return f"a cycle of locks: {', and '.join(link.told for link in self.links)}"

    def __str__(self) -> str:
        return wrapped(self.sentence)


class LockGraph:
    """The links by their two locks; of several alike, the first is kept."""

    def __init__(self) -> None:
        self.links: dict[tuple[str, str], Link] = {}

    def add(self, links: Iterable[Link]) -> None:
        """Count these links too."""
        for link in links:
            self.links.setdefault((link.first, link.then), link)

    def way(self, first: str, last: str) -> tuple[Link, ...]:
        """The shortest way from `first` to `last`; () if there is none."""
        ways: list[tuple[Link, ...]] = [(link,) for link in self._from(first)]
        reached = {first}
        for way in ways:
            at = way[-1].then
            if at == last:
                return way
            if at not in reached:
                reached.add(at)
                ways += [(*way, link) for link in self._from(at)]
        return ()

    def cycles(self) -> list[LockCycle]:
        """The shortest cycle through each link that is in one; each cycle once."""
        found: dict[frozenset[Link], LockCycle] = {}
        for (first, then), link in self.links.items():
            if back := self.way(then, first):
                links = (link, *back)
                found.setdefault(frozenset(links), LockCycle(links))
        return list(found.values())

    def _from(self, lock: str) -> list[Link]:
        return [link for (first, _), link in self.links.items() if first == lock]


def functions(path: Any) -> tuple[str, ...]:
    """The kernel functions that a path is in now, the outermost first; of a design, its methods."""
    names: list[str] = []
    while isinstance(path, GeneratorType):
        code = path.gi_code
        if in_kernel(code) and code.co_name != "lock":
            names.append(code.co_qualname if code.co_name in POINTS else code.co_name)
        path = path.gi_yieldfrom
    return tuple(names)
