"""Set 5, write a scheme: what is empty must go, at a price. How they are judged: scheme_question.py."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ptlab.classroom.scheme_question import Program, SchemeQuestion, limits
from ptlab.classroom.scheme_trial import measured
from ptlab.classroom.sets import scheme_answers as answers


class InPieces(SchemeQuestion):
    """Free what several calls have emptied together."""

    name = "scheme-1"
    title = "free what is empty, however it became so"
    goal = "write a scheme: find the point at which it acts, take the locks, unhook, flush, free"
    hints = (
        "`pt_reclaim`, which Linux has, trusts a call that covers the whole table. Here no call "
        "does. At which point of `ReclaimScheme` is a zap done with a table?",
        "`zapped(self, mm, tables, walk, why, tlb)`; `unhook_if_empty` in `ptlab.schemes.empty` takes "
        "both locks, looks, and unhooks. Which `why` is yours?",
        "The class `SecondLook` in `docs/own_scheme.md` does nearly that. Yours needs no memory; "
        "what `unhook_if_empty` returns goes to `tlb.free_tables`.",
    )
    task = (
        "A program gives its memory back in pieces. No single call covers a whole table, so Linux "
        "keeps the tables today. **Write a scheme that frees a PTE page as soon as a `MADV_DONTNEED` "
        "leaves it empty**, whoever emptied the rest. Others fault and walk meanwhile."
    )
    solution = answers.IN_PIECES
    mistakes = answers.IN_PIECES_WRONG

    def program(self, rng: Random) -> Iterator[str]:
        """Four tables are filled and dropped in two or three pieces each; one keeps a page."""
        yield "mmap s0 8M"
        kept = rng.randrange(4)
        for table in range(4):
            yield f"touch w s0+{table * 2}M 2M"
        for table in rng.sample(range(4), 4):
            cuts = sorted(rng.sample(range(1, 16), rng.choice((1, 2))))
            pieces = list(zip([0, *cuts], [*cuts, 16], strict=True))
            rng.shuffle(pieces)
            for first, last in pieces:
                short = 4 if table == kept and (first, last) == pieces[-1] else 0
                length = (last - first) * 128 - short
                yield f"madvise DONTNEED s0+{table * 2048 + first * 128}K {length}K"

    def limits(self, text: str) -> Program:
        """What write_scan does, which locks everybody out for it."""
        found = measured("write_scan", text)
        return limits(text, found.now_kb, found.built, found.scanned)


class Counted(SchemeQuestion):
    """Know that a table is empty without reading it each time."""

    name = "scheme-2"
    title = "do not scan for what you can count"
    no_peeking = True
    goal = "keep a count that is right after each change, and scan only to be sure"
    hints = (
        "A scan after each call reads the same none entries again and again. At which point does a "
        "scheme hear of every entry that comes or goes?",
        "`entries_changed(self, mm, tables, delta, zero)`, under the PTE lock. `delta` is below 0 when "
        "entries go. Entries of the zero page are entries too.",
        'Keep `self.count = defaultdict(int)`, change it with `mm.machine.store.add(self, "count", '
        "table, delta)`, and call `unhook_if_empty` only where it says 0.",
    )
    task = (
        "The program drops each table in many small steps. A scan after every step reads the same "
        "entries over and over. **Write a scheme that frees each table when it becomes empty and scans "
        "only the tables that it frees**. The simulator's own count (`mem.nonnone`) is not for schemes: "
        "Linux has no such number. The count of 2021 was one answer to that; what is yours?"
    )
    solution = answers.COUNTED
    mistakes = answers.COUNTED_WRONG

    def program(self, rng: Random) -> Iterator[str]:
        """Three tables, written or read, dropped from front to back in six to eight steps."""
        yield "mmap s0 6M"
        read = rng.randrange(3)
        for table in range(3):
            yield f"touch {'r' if table == read else 'w'} s0+{table * 2}M 2M"
        for table in rng.sample(range(3), 3):
            cuts = sorted(rng.sample(range(1, 16), rng.choice((5, 6, 7))))
            for first, last in zip([0, *cuts], [*cuts, 16], strict=True):
                yield f"madvise DONTNEED s0+{table * 2048 + first * 128}K {(last - first) * 128}K"

    def limits(self, text: str) -> Program:
        """As much memory as write_scan, but 512 entries for each table that it frees."""
        found = measured("write_scan", text)
        return limits(text, found.now_kb, found.built, 512 * found.freed)


class Later(SchemeQuestion):
    """Do not free what is needed again at once, and still free in the end."""

    name = "scheme-3"
    title = "not too early, not never"
    minutes = 50
    at_once = False
    goal = "weigh memory against the work of building tables again"
    hints = (
        "A table that is filled, dropped and filled again is freed and built each time. What if the "
        "scheme only remembers, in `zapped`, and frees when time has passed?",
        "`background(self, mm)` is that time. There is no `tlb` there: after `unhook_if_empty` "
        '`yield from mm.machine.flush("flush_tlb_range", gone, 0, 1)` and '
        "`yield mm.machine.call_rcu(gone)`, with `mmap_lock` held for read.",
        "A table that you remember may be gone: `munmap` took it. `mm.machine.mem.hooked(table)` says "
        "whether it still hangs in the tree.",
    )
    task = (
        "An allocator fills the same 2 MiB, drops them, fills them again. Freeing at once means to "
        "build the table at every turn. Never freeing means 4 kB for each area not used again. "
        "**Write a scheme that lets a table rest for a while and frees it if it is still empty then.** "
        "When the program is done, time passes: `background` is called once, and then VmPTE is read."
    )
    solution = answers.LATER
    mistakes = answers.LATER_WRONG

    def program(self, rng: Random) -> Iterator[str]:
        """One hot table, some cold ones, and an area that goes with munmap."""
        cold = rng.randint(4, 6)
        yield f"mmap s0 {2 * cold + 2}M"
        yield "mmap s1 2M"
        gone = rng.randrange(1, cold)
        for table in range(cold):
            for _ in range(rng.randint(1, 3)):
                yield "touch w s0 2M"
                yield "madvise DONTNEED s0 2M"
            pages = 4 * rng.randrange(1, 512)
            yield f"touch w s0+{2 * table + 2}M {pages}K"
            yield f"madvise DONTNEED s0+{2 * table + 2}M 2M"
            if table == gone:
                yield "touch w s1 2M"
                yield "madvise DONTNEED s1 2M"
                yield "munmap s1 2M"

    def limits(self, text: str) -> Program:
        """Tables as unmap_only builds them, memory as mapped_count has it, and two more for one scan."""
        counted, plain = measured("mapped_count", text), measured("unmap_only", text)
        visits = sum(line.startswith("madvise") for line in text.splitlines())
        return limits(text, counted.end_kb + 8, plain.built, 512 * (visits + plain.built))


QUESTIONS = (InPieces(), Counted(), Later())
