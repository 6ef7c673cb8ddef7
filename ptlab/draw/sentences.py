"""Each step as one sentence: the kernel function, the thing and the number.

The same sentence serves the caption, the screen reader, the text log and the checks' feedback.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ptlab.base.geometry import Level
from ptlab.base.steps import Kind, Step, Tables
from ptlab.draw.names import lock_name, plural, table_name
from ptlab.state.memmap import MemMap, count
from ptlab.state.vma import Vma, flag_names


def sentence(mem: MemMap, step: Step) -> str:
    """What `step` says, in words. Call it while mem_map is at that step."""
    text = f"{step.fn}: {_TELL[step.kind](mem, step)}"
    if step.tables is not None and step.kind is Kind.GET and step.times > count(step.tables):
        text += f" ({step.times} times, one after the other)"
    return text


def _lock(mem: MemMap, step: Step) -> str:
    name, _, mode = step.note
    if name == "mmap_lock":
        why = "others may read too" if mode == "read" else "nobody else may change a VMA"
        return f"mmap_lock is taken for {mode}: {why}."
    if name == "vma_lock" and mode == "write":
        return "nobody holds the VMA's lock any more; while mmap_lock is held for write nobody can."
    if name == "vma_lock":
        return "only this VMA is locked, for read; mmap_lock is not taken (a kernel since 6.4)."
    if name == "i_mmap_rwsem" and mode == "write":
        return "the file's i_mmap_rwsem is taken for write: the VMA leaves the file's mappings."
    if name == "i_mmap_rwsem":
        return "the file's i_mmap_rwsem is taken for read; no mmap_lock is needed to zap a file's pages."
    if name == "interrupts":
        return "interrupts are off on this CPU: flushes that interrupt it wait, and so does RCU."
    tried = "a trylock succeeds: " if mode == "trylock" else ""
    return f"{tried}{lock_name(mem, step.note)} is taken."


def _wait(mem: MemMap, step: Step) -> str:
    if step.note[0] == "interrupts" and step.note[2] == "read":
        return "interrupts are to go off on this CPU."
    if step.note[0] == "interrupts":
        return "the other CPUs are to flush their TLBs: each does when it has interrupts on."
    held = "holds it for write" if step.note[2] == "read" else "holds it"
    return f"{lock_name(mem, step.note)} is wanted: it has to wait if another task {held}."


def _look(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    return f"the PMD entry points to {table_name(mem, step.tables)}; no lock is held yet."


def _unlock(mem: MemMap, step: Step) -> str:
    if step.note[0] == "interrupts":
        return "interrupts are on again."
    return f"{lock_name(mem, step.note)} is dropped."


def _downgrade(mem: MemMap, step: Step) -> str:
    return "mmap_lock goes from write to read: the VMAs are out of the tree, only tables are left to do."


def _vma(mem: MemMap, step: Step) -> str:
    what, *rest = step.note
    if what == "map":
        new, whole = rest
        merged = "" if new == whole else f"; merged with its neighbours it is {whole}"
        return f"a VMA appears, {_range(new)}, {new.prot}{merged}. No table is built."
    if what == "unmap":
        gone = rest[0]
        many = f"{plural(len(gone), 'VMA')} {'is' if len(gone) == 1 else 'are'}"
        return f"{many} taken out: {', '.join(map(_range, gone))}."
    if what == "anon_vma":
        anon = rest[0].anon_vma
        return f"the VMA {_range(rest[0])} gets anon_vma {anon}, for its first page of its own."
    if what == "kept":
        return f"the VMA {_range(rest[0])} stays, without its pages."
    old, new = rest
    if old.prot != new.prot:
        return f"the VMA part {_range(new)} is {new.prot} now (was {old.prot})."
    names = [name.lower() for name in flag_names(new.flags ^ old.flags)]
    return f"the VMA part {_range(new)} changes its flags: {', '.join(names)}."


def _range(vma: Vma) -> str:
    return f"[{vma.start:#x}, {vma.end:#x})"


def _hit(mem: MemMap, step: Step) -> str:
    first, write = step.note
    verb = "writes" if write else "reads"
    if step.n == 1:
        return f"the program {verb} {first:#x}; the entry is there, so there is no fault."
    return f"the program {verb} {step.n} pages from {first:#x} on; the entries are there: no fault."


def _refused(mem: MemMap, step: Step) -> str:
    address, write, vma = step.note
    verb = "write" if write else "read"
    why = f"the VMA is {vma.prot}" if isinstance(vma, Vma) else "no VMA covers it"
    if step.fn == "handle_pte_marker":
        return f"the {verb} at {address:#x} meets a guard marker: SIGSEGV."
    if step.fn == "do_fault":
        return f"the {verb} at {address:#x} is beyond the end of the file: SIGBUS."
    many = f" ({step.n} accesses)" if step.n > 1 else ""
    return f"the {verb} at {address:#x}{many} is refused, {why}: SIGSEGV. No table is built."


def _alloc(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    return (
        f"{table_name(mem, step.tables)} {_is(step.tables)} allocated, zeroed; not in the tree yet."
    )


def _install(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    place = _place(mem, step.tables)
    grows = _vmpte(mem, step.tables, "grows")
    return f"{table_name(mem, step.tables)} {_is(step.tables)} hooked into {place}; {grows}."


def _vmpte(mem: MemMap, tables: Tables, moves: str) -> str:
    first = tables if isinstance(tables, int) else int(tables[0])
    if mem.level.item(first) == Level.P4D:
        return "VmPTE does not count P4D pages"
    return f"VmPTE {moves} by {4 * count(tables)} kB"


def _place(mem: MemMap, tables: Tables) -> str:
    first = tables if isinstance(tables, int) else int(tables[0])
    parent = table_name(mem, int(mem.parent[first]))
    if isinstance(tables, int):
        return f"{parent}, slot {mem.slot[first]}"
    return f"{parent}, slots {mem.slot[first]} to {mem.slot[tables[-1]]}"


def _change(before: Any, after: Any) -> str:
    if isinstance(before, np.ndarray) and len(set(before.tolist())) > 1:
        return f"references {before.min()}..{before.max()} -> {np.min(after)}..{np.max(after)}"
    one = [int(np.ravel(x)[0]) for x in (before, after)]
    return f"references {one[0]} -> {one[1]}"


def _get(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    who, before, after = step.note
    name = table_name(mem, step.tables)
    if step.fn == "pte_ref_init":
        return f"{name} starts with 1 reference: whoever installs it is its first visitor."
    if who == "visitor":
        change = _change(before, after)
        return f"a visitor comes to {name} ({change}); while it looks, nobody can free the page."
    entries = (
        "the new entry holds a reference"
        if step.n == 1
        else f"each of the {step.n} new entries holds a reference"
    )
    return f"{entries} to {name} ({_change(before, after)})."


def _put(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    who, before, after = step.note
    name = table_name(mem, step.tables)
    end = ""
    if np.all(np.asarray(after) == 0) and step.fn.endswith(("_put", "_put_many")):
        first = step.tables if isinstance(step.tables, int) else int(step.tables[0])
        level = Level(int(mem.level[first])).name.lower()
        end = f" Nobody uses it any more: free_user_{level}_table takes it out of the tree."
    if who == "visitor":
        return f"the visitor leaves {name} ({_change(before, after)}).{end}"
    entries = "the cleared entry gives" if step.n == 1 else f"the {step.n} cleared entries give"
    theirs = "its reference" if step.n == 1 else "their references"
    return f"{entries} back {theirs} to {name} ({_change(before, after)}).{end}"


def _entries(step: Step) -> str:
    columns = step.note[0]
    if step.n == 1 and isinstance(step.tables, int) and columns.stop - columns.start == 1:
        return f"entry {columns.start}"
    return plural(step.n, "entry")


_MAPPED = {
    "page": "a new page",
    "zero": "the shared zero page",
    "file": "a page of the file",
    "copy": "a page that parent and child share",
    "huge": "a huge page",
    "marker": "a guard marker",
    "moved": "a page that was moved here",
}


def _set(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    what = _MAPPED[step.note[1]]
    if step.n > 1 and step.note[1] != "zero":
        what = what.removeprefix("a ") + "s"
    maps = "maps" if step.n == 1 else "map"
    return f"{_entries(step)} of {table_name(mem, step.tables)} now {maps} {what}."


def _clear(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    zero = step.note[1]
    zeros = f" ({zero} of them the zero page)" if zero and step.n > 1 else ""
    name = table_name(mem, step.tables)
    left = int(np.sum(mem.nonnone[step.tables]))
    rest = "no entry is left" if left == 0 else f"{left} left"
    return f"{_entries(step)} of {name} {'is' if step.n == 1 else 'are'} cleared{zeros}; {rest}."


def _changed(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    what = {
        "page": "becomes writable",
        "swapped": "becomes a swap entry: its page is out, the entry stays and so does its reference",
        "back": "maps its page again, read back from swap",
        "cold": "is marked old: reclaim may take its page soon",
        "copy": "becomes read-only, for parent and child share its page now",
        "lazyfree": "is marked clean and old: its page may be dropped later, the entry stays",
        "none": "allows nothing any more (PROT_NONE), but stays",
        "r": "becomes read-only",
        "rw": "may be written again",
    }[step.note[1]]
    if step.fn == "wp_page_copy":
        what = "gets a page of its own"
    if step.n > 1:
        what = "each " + what
    return f"{_entries(step)} of {table_name(mem, step.tables)} {what}."


def _scan(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    found = step.note
    verdict = "all none: the page can go" if not found else "one is not none: the page stays"
    why = "the fast path was not open, so " if step.fn == "try_to_free_pte" else ""
    read = f"all {step.n} entries" if not found else plural(step.n, "entry")
    return f"{why}{read} of {table_name(mem, step.tables)} are read: {verdict}."


def _switch(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    name = table_name(mem, step.tables)
    if step.note == "atomic":
        return f"a grace period passes, then the count of {name} is one number again, and atomic."
    return (
        f"the count of {name} is kept on each CPU again: cheap to change, and nobody knows the sum."
    )


def _unhook(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    return (
        f"{table_name(mem, step.tables)} {_is(step.tables)} unhooked from {_place(mem, step.tables)}; "
        f"{_vmpte(mem, step.tables, 'falls')}."
    )


def _flush(mem: MemMap, step: Step) -> str:
    pages = f"; {plural(step.n, 'page')} may be freed after that" if step.n else ""
    return f"the TLB forgets the old translations{pages}."


def _rcu(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    who = f"{table_name(mem, step.tables)} {_is(step.tables)}"
    return f"{who} handed to RCU: a walker without locks may still look at the empty page."


def _free(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    who = f"{table_name(mem, step.tables)} {_is(step.tables)}"
    if step.fn == "rcu_do_batch":
        return f"a grace period has passed: {who} free memory again."
    return f"{who} free memory again, at once: RCU is not asked."


def _fail(mem: MemMap, step: Step) -> str:
    if step.tables is None:
        return f"the trylock fails: {lock_name(mem, step.note)} is held by another task."
    name = table_name(mem, step.tables)
    return f"{name} has no references left, it is dying ({step.note.name}): wait and look again."


def _deposit(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    name = table_name(mem, step.tables)
    return f"{name} is put in reserve for the day the huge page is split; VmPTE grows by 4 kB."


def _split(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    name = table_name(mem, step.tables)
    return f"{name} comes out of reserve and maps the huge page's 512 pages one by one."


def _move(mem: MemMap, step: Step) -> str:
    assert step.tables is not None
    what = "the huge page" if step.fn == "move_huge_pmd" else table_name(mem, step.tables)
    (old, old_slot), (new, new_slot) = step.note
    return (
        f"{what} moves as it is, from {table_name(mem, old)}, slot {old_slot}, "
        f"to {table_name(mem, new)}, slot {new_slot}; no entry in it is touched."
    )


def _file(mem: MemMap, step: Step) -> str:
    return str(step.note).replace("{pages}", plural(step.n, "page")) + "."


def _is(tables: Tables) -> str:
    return "is" if count(tables) == 1 else "are"


_TELL: dict[str, Callable[[MemMap, Step], str]] = {
    Kind.LOCK: _lock,
    Kind.UNLOCK: _unlock,
    Kind.WAIT: _wait,
    Kind.DOWNGRADE: _downgrade,
    Kind.VMA: _vma,
    Kind.LOOK: _look,
    Kind.HIT: _hit,
    Kind.REFUSED: _refused,
    Kind.ALLOC: _alloc,
    Kind.INSTALL: _install,
    Kind.GET: _get,
    Kind.PUT: _put,
    Kind.SET: _set,
    Kind.CLEAR: _clear,
    Kind.CHANGE: _changed,
    Kind.SCAN: _scan,
    Kind.SWITCH: _switch,
    Kind.UNHOOK: _unhook,
    Kind.FLUSH: _flush,
    Kind.RCU: _rcu,
    Kind.FREE: _free,
    Kind.FAIL: _fail,
    Kind.DEPOSIT: _deposit,
    Kind.SPLIT: _split,
    Kind.MOVE: _move,
    Kind.FILE: _file,
}
