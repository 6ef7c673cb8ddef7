"""The tree as text, for a terminal and for a screen reader."""

from __future__ import annotations

import io

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from ptlab.base.geometry import Level
from ptlab.base.lines import WIDTH, wrapped
from ptlab.draw.appearance import Look, live_children, look, place, title
from ptlab.draw.fold import folds
from ptlab.draw.names import plural
from ptlab.state.counters import counters
from ptlab.state.mm import Mm

_CELLS = 32


def text(mm: Mm) -> str:
    """Counters, then every table with its range and references; alike neighbours folded."""
    mem = mm.machine.mem
    children = live_children(mm)
    looks = {t: look(mm, t) for row in children.values() for t in row}
    shown, folded = folds(mm.pgd, children, looks.get)
    root = Tree(f"{title(mem, mm.pgd)}  {plural(int(mem.nonnone[mm.pgd]), 'entry')}")
    branches = {mm.pgd: root}
    rows = [(t, None) for t in shown[1:]] + [(f.tables[0], f) for f in folded]
    for table, fold in sorted(rows, key=lambda row: (-mem.level[row[0]], row[0])):
        parent = branches[int(mem.parent[table])]
        if fold:
            level = Level(int(mem.level[table])).name
            deeper = f", with {plural(len(fold.below), 'table')} below" if fold.below else ""
            parent.add(escape(f"[...] {len(fold.tables)} more {level} pages alike{deeper}"))
        else:
            branches[table] = parent.add(escape(_row(mm, table, looks[table])))
    for table, places in mem.shared.items():
        for place_of in [there for there in places if there.table in branches]:
            also = f"{title(mem, table)}, shared: it is below {title(mem, int(mem.parent[table]))}"
            branches[place_of.table].add(escape(f"[{place_of.slot}] {also}"))
    out = io.StringIO()
    Console(file=out, width=WIDTH, color_system=None, force_jupyter=False).print(root)
    lines = (line.rstrip() for line in out.getvalue().splitlines())
    return "\n".join([*map(wrapped, head(mm).split("\n")), *lines])


def head(mm: Mm) -> str:
    """The design and the counters, on two lines."""
    n, machine = counters(mm), mm.machine
    tables = f"{n.pud} PUD + {n.pmd} PMD + {plural(n.pte, 'PTE page')}"
    return (
        f"Linux {machine.profile.name} with {machine.scheme.name}. {machine.scheme.fate}\n"
        f"VmPTE {n.vmpte_kb} kB ({tables}), RSS {n.rss_kb} kB, "
        f"{plural(n.minflt, 'minor fault')}, {plural(n.vmas, 'VMA')}"
    )


def _row(mm: Mm, table: int, seen: Look) -> str:
    mem = mm.machine.mem
    row = f"[{mem.slot[table]}] {title(mm.machine.mem, table)}  {place(mm, table)}  {seen.line}"
    return f"{row}  {_bar(seen)}" if mem.level[table] == Level.PTE else row


def _bar(seen: Look) -> str:
    """The 512 entries in 32 cells: # full, + some, . none."""
    used = [0] * _CELLS
    per_cell = 512 // _CELLS
    for lo, hi, _ in seen.strip:
        for cell in range(lo // per_cell, (hi - 1) // per_cell + 1):
            used[cell] += min(hi, (cell + 1) * per_cell) - max(lo, cell * per_cell)
    return "".join("#" if n == per_cell else "+" if n else "." for n in used)
