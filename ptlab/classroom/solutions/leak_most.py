"""The second question of set 3, solved: the scenario that leaks most."""

from __future__ import annotations

from ptlab.classroom.sets.leak_tricks import Goal
from ptlab.classroom.solution import Solution, Wrong
from ptlab.classroom.wording import Fills


class LeavesSolution(Solution[Goal]):
    """Write a scenario that leaves empty tables, with few page faults."""

    name = "leak-2"

    def solve(self, problem: Goal) -> str:
        """The trick, spelt out."""
        n, at = problem.tables, problem.at
        spread = f"touch w {at(0)} {2 * n}M 2M"
        if problem.trick == "pieces":
            return f"mmap {at(0)} {2 * n}M\n{spread}\nmadvise_each DONTNEED {at(0)} {2 * n}M 1M"
        if problem.trick == "file":
            return f"file f {2 * n}M\nmmap {at(0)} {2 * n}M file:f\n{spread}\ntruncate f 0"
        moves = [
            f"mremap {at(2 * k, k)} 1P 1P to {at(2 * k + 2, k + 1)} maymove dontunmap"
            for k in range(n)
        ]
        return "\n".join([f"mmap {at(0)} 1P", f"touch w {at(0)} 1P", *moves])

    def in_why(self, problem: Goal) -> Fills:
        """What the kernel does not look at."""
        return {"reason": self.reasoning.remarks[f"why-{problem.trick}"]}

    def wrong(self, problem: Goal) -> list[Wrong]:
        """Scenarios that look as if they leaked."""
        n, area, to = problem.tables, problem.at(0), problem.at(2, 1)
        each, move = f"madvise_each DONTNEED {area} {2 * n}M", f"mremap {area} 1P 1P to {to}"
        drop = {
            "pieces": (f"{each} 1M", f"{each} 2M"),
            "file": ("truncate f 0", "truncate f 4K"),
            "moves": (f"{move} maymove dontunmap", move),
        }[problem.trick]
        file, kind = ("file f 4G\n", " file:f") if problem.trick == "file" else ("", "")
        begin = f"{file}mmap {area} {2 * n}M{kind}\n"
        spread = f"{begin}touch w {area} {2 * n}M 2M"
        if problem.trick == "moves":
            begin, spread = f"mmap {area} 1P\n", f"mmap {area} 1P\ntouch w {area} 1P"
        return [
            self.mistake("full-is-empty", spread, 0),
            self.mistake("untouched-memory-has-tables", begin.strip(), 0),
            self.mistake("munmap-leaves-tables", f"{spread}\nmunmap {area} {2 * n}M", 0),
            self.mistake("one-table", f"{begin}touch w {area} 64K\n{drop[0]}", 2),
            self.mistake("free-drops", f"{spread}\nmadvise FREE {area} {2 * n}M", 0),
            self.mistake("whole-call", f"{spread}\n{drop[1]}", 4.9),
        ]
