"""A sorted list that never changes, in blocks: a changed copy shares all blocks but one or two.

The kernel keeps VMAs in a maple tree (lib/maple_tree.c): a change copies a few nodes. A process may have
65,530 VMAs (vm.max_map_count), and the journal keeps the list before each change.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, pairwise
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar, overload

MOST = 256
"""So many items are a block. With 65,530 items there are as many blocks as items in one of them."""


class Span(Protocol):
    """Addresses [start, end)."""

    @property
    def start(self) -> int:
        """The first."""

    @property
    def end(self) -> int:
        """The one behind the last."""


T = TypeVar("T", bound=Span)
_END = attrgetter("end")


class Block(Generic[T]):
    """Some items, at least one."""

    __slots__ = ("_widest", "items")

    def __init__(self, items: tuple[T, ...]) -> None:
        self.items = items
        self._widest = -1

    @property
    def widest_gap(self) -> int:
        """The longest range between two neighbours. O(items) when it is asked for the first time."""
        if self._widest < 0:
            gaps = (after.start - before.end for before, after in pairwise(self.items))
            self._widest = max(gaps, default=0)
        return self._widest


class Blocks(Sequence[T]):
    """Items that do not overlap, in the order of their addresses."""

    __slots__ = ("_ends", "_firsts", "_sizes", "blocks")

    def __init__(self, items: Iterable[T] = ()) -> None:
        self.blocks = _cut(tuple(items))
        self._ends, self._sizes = _ends(self.blocks), _sizes(self.blocks)
        self._firsts = list(accumulate(self._sizes, initial=0))

    def __len__(self) -> int:
        return self._firsts[-1]

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(block.items for block in self.blocks)

    def __contains__(self, item: Any) -> bool:
        return bool(self.above(item.start) == item)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self[k] for k in range(*index.indices(len(self))))
        place = range(len(self))[index]
        block = bisect_right(self._firsts, place) - 1
        return self.blocks[block].items[place - self._firsts[block]]

    def above(self, address: int) -> T | None:
        """The first item that ends above `address`, None if there is none. O(log items)."""
        if not self._ends or address >= self._ends[-1]:
            return None
        items = self.blocks[bisect_right(self._ends, address)].items
        if address < items[0].end:
            return items[0]  # in a small list there is nothing to search
        return items[bisect_right(items, address, key=_END)]

    def index_above(self, address: int) -> int:
        """Its index, the number of items if there is none."""
        block = bisect_right(self._ends, address)
        if block == len(self.blocks):
            return len(self)
        return self._firsts[block] + bisect_right(self.blocks[block].items, address, key=_END)

    def spliced(self, start: int, stop: int, items: Iterable[T]) -> Blocks[T]:
        """A list with `items` in the place of those from `start` to `stop` - 1. O(MOST + blocks)."""
        first = max(0, bisect_right(self._firsts, start, hi=len(self.blocks)) - 1)
        last = max(first, bisect_right(self._firsts, stop - 1, hi=len(self.blocks)) - 1)
        around = self.blocks[first : last + 1]
        before = around[0].items[: start - self._firsts[first]] if around else ()
        after = around[-1].items[stop - self._firsts[last] :] if around else ()
        inside, there = _cut((*before, *items, *after)), slice(first, last + 1)
        changed: Blocks[T] = Blocks()
        changed.blocks, changed._ends = self.blocks.copy(), self._ends.copy()
        changed._sizes = self._sizes.copy()
        changed.blocks[there], changed._ends[there] = inside, _ends(inside)
        changed._sizes[there] = _sizes(inside)
        changed._firsts = list(accumulate(changed._sizes, initial=0))
        return changed


def _ends(blocks: list[Block[Any]]) -> list[int]:
    return [block.items[-1].end for block in blocks]


def _sizes(blocks: list[Block[Any]]) -> list[int]:
    return [len(block.items) for block in blocks]


def _cut(items: tuple[T, ...]) -> list[Block[T]]:
    """Blocks of at most MOST items, all of about the same length."""
    count = -(-len(items) // MOST)
    borders = [k * len(items) // count for k in range(count + 1)] if count else []
    return [Block(items[low:high]) for low, high in pairwise(borders)]
