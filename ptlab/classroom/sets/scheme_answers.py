"""Answers to set 5: a right one to each question, and wrong ones with one mistake each.

They are texts, as a cell is, because an answer is run from its text.
"""

from __future__ import annotations

from textwrap import indent

from ptlab.classroom.question import Wrong
from ptlab.classroom.student_code import Code


def as_code(text: str) -> Code:
    """The class `Answer` of a cell."""
    return Code("class", "Answer", text)


_HEAD = """\
from collections import defaultdict

from ptlab import ReclaimScheme
from ptlab.schemes.empty_tables import unhook_if_empty


class Answer(ReclaimScheme):
    name, fate, source = "answer", "an exercise", "problem set 5"
"""


def _cell(methods: str, head: str = _HEAD) -> str:
    return f"{head}\n{indent(methods, '    ')}"


def _wrong(idea: str, says: str, keeps: float, methods: str, head: str = _HEAD) -> Wrong:
    return Wrong(idea, says, as_code(_cell(methods, head)), keeps)


_IN_PIECES = """\
def zapped(self, mm, tables, walk, why, tlb):
    if why != "madvise":
        return  # munmap frees its tables itself
    gone = yield from unhook_if_empty(mm, tables, "answer", "pte_offset_map_lock")
    if gone is not None:
        tlb.free_tables(gone)  # after the flush, and after a grace period
"""

_NOTHING = """\
def visitor_leaves(self, mm, tables, times=1, tlb=None):
    return ()
"""

_WHOLE_ONLY = """\
def zap_ends(self, mm, tables, whole, locked_result, tlb):
    if whole:
        gone = yield from unhook_if_empty(mm, tables, "answer", "pte_offset_map_lock")
        if gone is not None:
            tlb.free_tables(gone)
"""

_NEVER_FREED = """\
def zapped(self, mm, tables, walk, why, tlb):
    if why == "madvise":
        yield from unhook_if_empty(mm, tables, "answer", "pte_offset_map_lock")
"""

_BLIND = """\
def zapped(self, mm, tables, walk, why, tlb):
    if why == "madvise":
        machine = mm.machine
        pmd = int(machine.mem.parent[tables])
        yield from machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
        yield mm.unhook_pte(tables, "answer")
        yield machine.unlock("spin_unlock", "pmd_lock")
        tlb.free_tables(tables)
"""

_NO_LOCK = """\
def zapped(self, mm, tables, walk, why, tlb):
    if why == "madvise" and not mm.machine.mem.nonnone[tables]:
        yield mm.unhook_pte(tables, "answer")
        tlb.free_tables(tables)
"""

_WRITE_LOCK = _HEAD + '    zap_mode = "write"\n'

_AT_THE_END = """\
def background(self, mm):
    yield from mm.machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read")
    for table in mm.machine.mem.live().tolist():
        if mm.machine.mem.level[table] == 0:
            gone = yield from unhook_if_empty(mm, table, "answer", "pte_offset_map_lock")
            if gone is not None:
                yield from mm.machine.flush("flush_tlb_range", gone, 0, 1)
                yield mm.machine.call_rcu(gone)
    yield mm.machine.unlock("mmap_read_unlock", "mmap_lock")
"""

_SHARED = (
    ("frees-nothing", "Which point of ReclaimScheme acts when a zap is done?", 0, _NOTHING),
    ("never-freed", "What is unhooked still has to be flushed and freed.", 0, _NEVER_FREED),
    ("unhooks-unseen", "A table may go only if every entry of it is none.", 3, _BLIND),
)

IN_PIECES_WRONG = (
    *(_wrong(*mistake) for mistake in _SHARED),
    _wrong("whole-calls-only", "Several calls may empty a table together.", 0, _WHOLE_ONLY),
    _wrong("no-lock", "Between the look and the unhooking others run.", 5, _NO_LOCK),
    _wrong(
        "write-lock",
        "Nobody could fault in another table meanwhile.",
        4,
        _IN_PIECES,
        _WRITE_LOCK,
    ),
    _wrong("too-late", "The limit counts when the program ends.", 0, _AT_THE_END),
)

_COUNTED = """\
def __init__(self):
    self.count = defaultdict(int)  # entries that are not none, by the table's pfn

def table_installed(self, mm, pmd, tables):
    mm.machine.store.put(self, "count", tables, 0)  # its page may have been a table before
    return ()

def entries_changed(self, mm, tables, delta, zero=0):
    mm.machine.store.add(self, "count", tables, delta)

def zapped(self, mm, tables, walk, why, tlb):
    if why != "madvise" or self.count[tables]:
        return
    gone = yield from unhook_if_empty(mm, tables, "answer", "pte_offset_map_lock")
    if gone is not None:
        tlb.free_tables(gone)
"""


def _mistaken(right: str, old: str, new: str) -> str:
    """The methods of a right answer with one line changed."""
    assert old in right
    return right.replace(old, new)


COUNTED_WRONG = (
    *(_wrong(*mistake) for mistake in _SHARED),
    _wrong("scans-each-time", "A count says when a look is worth it.", 4, _IN_PIECES),
    _wrong(
        "zero-page-is-none",
        "An entry of the zero page is an entry.",
        4,
        _mistaken(_COUNTED, "delta)", "delta - zero)"),
    ),
    _wrong(
        "counts-calls",
        "A call clears many entries.",
        4,
        _mistaken(_COUNTED, "delta)", "1 if delta > 0 else -1)"),
    ),
    _wrong(
        "peeks",
        "No kernel has the simulator's count.",
        4,
        _mistaken(_COUNTED, "self.count[tables]", "mm.machine.mem.nonnone[tables]"),
    ),
)

_LATER = """\
def __init__(self):
    self.resting = defaultdict(bool)  # tables that a zap has left, by pfn

def zapped(self, mm, tables, walk, why, tlb):
    if why == "madvise":
        mm.machine.store.put(self, "resting", tables, True)
    return ()

def background(self, mm):
    machine = mm.machine
    yield from machine.lock("mmap_read_lock", "mmap_lock", mm.id, "read")
    for table in [table for table, rests in self.resting.items() if rests]:
        machine.store.put(self, "resting", table, False)
        if not machine.mem.hooked(table):
            continue  # munmap took it
        gone = yield from unhook_if_empty(mm, table, "answer", "pte_offset_map_lock")
        if gone is not None:
            yield from machine.flush("flush_tlb_range", gone, 0, 1)
            yield machine.call_rcu(gone)
    yield machine.unlock("mmap_read_unlock", "mmap_lock")
"""

LATER_WRONG = (
    *(_wrong(*mistake) for mistake in _SHARED),
    _wrong("too-early", "What is freed now is built again at the next touch.", 4, _IN_PIECES),
    _wrong(
        "forgets-munmap",
        "A table that you remember may be gone.",
        0,
        _mistaken(_LATER, "not machine.mem.hooked(table)", "table < 0"),
    ),
    _wrong(
        "no-free",
        "What is unhooked has to be handed to RCU.",
        0,
        _mistaken(_LATER, "yield machine.call_rcu(gone)", "pass"),
    ),
    _wrong(
        "remembers-one",
        "Several tables rest at the same time.",
        4,
        _mistaken(_LATER, '"resting", tables, True', '"resting", 0, tables').replace(
            "[table for table, rests in self.resting.items() if rests]", "[self.resting[0]]"
        ),
    ),
)

IN_PIECES, COUNTED, LATER = map(_cell, (_IN_PIECES, _COUNTED, _LATER))
"""The right ones."""
