"""Mistaken ideas in words, for teachers. A report has the short names, which are easy to count."""

from __future__ import annotations

from ptlab.draw.names import plural

IDEAS = {
    # any question
    "ill-formed": "gave something that is no answer in the form asked for",
    "not-handed-in": "handed in no answer: the notebook stopped before it",
    "not-judged": "could not be judged on this machine",
    "other-name": "handed in a notebook with another name in it",
    # set 1
    "offset-is-an-index": "took the place in the page for an index",
    "no-mask": "shifted, but did not cut off the bits above an index",
    "reversed": "began the walk at the PTE page",
    "ten-bits": "took ten bits for an index",
    "hex-digits": "cut the address into groups of three hex digits",
    "page-of-16k": "took a page to be 16 KiB",
    "own-path-each": "gave each touch tables of its own at every level",
    "own-pte-page-each": "gave each page a PTE page of its own",
    "mmap-built-them": "thought that mmap builds tables",
    "reads-build-nothing": "thought that a read builds no tables",
    "only-the-last-touch": "compared a touch with the one before it only",
    "totals": "gave the tables there are, not those that are built",
    "one-level-off": "took each table to map 512 times less than it does",
    "rounds-down": "left out the table that is only partly used",
    "no-borders": "saw no border between tables in the run of pages",
    "one-border-only": "forgot that a PUD border is one for lower tables too",
    "spread-shares": "let pages that are far apart share a PTE page",
    "own-pmd-page-each": "gave each page a PMD page of its own",
    "1024-entries": "took a table to have 1024 entries",
    "counts-wrong": "wrote a function that gives wrong numbers",
    "raises": "wrote a function that ends with an error",
    # set 2
    "reads-do-not-count": "thought that a zero page holds no reference",
    "free-drops": "thought that MADV_FREE clears entries at once",
    "swap-does-not-count": "thought that a swap entry is none",
    "read-only-drops": "thought that mprotect clears entries",
    "each-access-counts": "counted an entry again at each access",
    "no-visitors": "counted no visitors",
    "installer-stays": "let the visitor that installs a page stay",
    "capacity": "counted every entry, none or not",
    "hit-visits": "thought that a hit needs a reference",
    "tables-hold-references": "thought that an upper table holds a reference",
    "one-late": "put the missing step one too late",
    "get-for-put": "took a missing get for a put, or a put for a get",
    "effect-reversed": "took freed too early for never freed, or the reverse",
    "nothing-before-the-end": "thought that the table goes within the log",
    # set 3
    "dontneed-frees-tables": "thought that MADV_DONTNEED always freed tables",
    "nothing-new": "knew nothing of what 6.14 has changed",
    "todays-kernel-counts": "thought that Linux counts entries today",
    "calls-ignore-vmas": "let one call cover a table across two VMAs",
    "one-entry-is-nothing": "thought that a table with one entry may go",
    "munmap-looks-at-entries": "thought that munmap looks at entries, not at VMAs",
    "full-is-empty": "left entries in the tables",
    "untouched-memory-has-tables": "thought that memory has tables before any touch",
    "everything-was-freed": "wrote a program whose tables are all freed",
    "too-many-pages": "touched more pages than it takes",
    # set 4
    "no-race": "gave a schedule that breaks no rule",
    "keeps-what-does-not-matter": "kept segments that the failure does not need",
    # set 5
    "breaks-tables": "wrote a scheme that breaks the page tables",
    "loses-a-race": "wrote a scheme that loses a race",
    "frees-nothing": "wrote a scheme that frees nothing",
    "leaves-tables": "wrote a scheme that leaves too many tables",
    "costs-much": "wrote a scheme that costs too much",
    "peeks": "wrote a scheme that reads the simulator's own count",
    # set 6
    "absolute": "did not subtract what unmap_only needs",
    "swapped": "took local operations for shared ones",
    "together": "counted shared operations as local ones",
    "visitor-forgotten": "left out the visitor's get and put",
    "rwsem-is-one": "counted taking a lock, but not dropping it",
    "percpu-is-atomic": "counted adds to per-CPU counters as atomic",
    "always-two": "counted two operations for any fault",
    "designs-cost-nothing": "thought that the designs cost nothing more",
    "once-for-the-walk": "counted references once for the whole walk",
    "once-for-each-entry": "counted references for each entry",
    "free-clears-entries": "thought that MADV_FREE gives back references",
    "freeing-needs-no-lock": "forgot the PMD lock that unhooking needs",
    "lock-for-each-table": "counted one lock for each table, not for the walk",
    "entries": "counted entries, not PTE pages",
    "last-that-loses": "gave the last length at which the lock still loses",
    "no-queue": "forgot that CPUs wait for the lock",
    "one-cpu": "calculated for one CPU",
    "one-fault-only": "counted one page fault where there are several",
    "default-machine": "used another machine's constants",
    "three-per-table": "counted three operations for each table, not two",
    "proportional": "let the queue grow in step with the CPUs",
}
"""What students did who hold the idea: goes on after "3 students". None is over 60 characters."""


def in_words(idea: str, students: int) -> str:
    """'2 students thought that a read builds no tables'; an unknown name stays as it is."""
    return f"{plural(students, 'student')} {IDEAS.get(idea, f'had the idea {idea}')}"
