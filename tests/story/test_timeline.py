"""The timeline of a story: the steps at which tables come, change and go."""

from itertools import pairwise

from hypothesis import given, settings

from ptlab import MiB, Process, story
from ptlab.base.geometry import Level
from ptlab.draw.appearance import look
from ptlab.story.timeline import Timeline
from tests.support.strategies import programs, rows

few = settings(max_examples=20)
LIFE = "mmap s0 2M\ntouch w s0 8K\nmadvise DONTNEED s0 2M\nmunmap s0 2M"


def test_table_events_are_births_unhooks_and_frees():
    life = story(LIFE, scheme="unmap_only")
    assert [step.fn for step in life.steps if step.event] == [
        "__pud_alloc",
        "__pmd_alloc",
        "pmd_populate",
        "free_pte_range",
        "free_pmd_range",
        "free_pud_range",
        "rcu_do_batch",
        "rcu_do_batch",
        "rcu_do_batch",
    ]


@few
@given(program=programs(longest=6, full=False))
def test_a_track_changes_at_each_of_its_steps_and_ends_at_what_there_is(program):
    process = Process("pte_refcount")
    rows(process, program)
    timeline = Timeline(process.machine, process.journal)
    numbers = [track for one in timeline.numbers for track in one.values()]
    for track in [*timeline.looks.values(), *numbers]:
        for (step, value), (later, other) in pairwise(track):
            assert step < later and value != other
    for table in process.machine.mem.live().tolist():
        mm = next(mm for mm in timeline.mms if mm.id == process.machine.mem.mm[table])
        assert timeline.looks[table][-1][1] == look(mm, table)
        words = [0] * 512
        for run in timeline.entries.get(table, []):
            for column in range(run.first, run.last):
                words[column] = run.word + (column - run.first) * run.grows
        assert words == process.machine.mem.entries[table, slice(None)].tolist()
    assert timeline.numbers[0]["VmPTE"][-1][1] == process.counters.vmpte_kb
    mem = process.machine.mem
    pte_pages = [table for table in mem.live().tolist() if mem.level[table] == Level.PTE]
    for mm, numbers_of in zip(timeline.mms, timeline.numbers, strict=True):
        references = sum(int(mem.refcount[t]) for t in pte_pages if mem.mm[t] == mm.id)
        assert numbers_of["held"][-1][1] == references


def test_what_is_held_is_known_at_a_moment_without_a_journal():
    p = Process("pte_refcount", record=False)
    p.touch(p.mmap(4 * MiB))
    timeline = Timeline(p.machine, mms=p.machine.mms)
    timeline.note(0, [])
    assert timeline.numbers[0]["held"] == [(0, 1024)]


def test_tables_from_before_the_journal_are_there_from_the_first_step():
    p = Process("pt_reclaim", grain="range", record=False)
    heap = p.mmap(4 * MiB)
    p.touch(heap)
    p.keep_journal()
    p.madvise(heap, "DONTNEED", 2 * MiB)
    timeline = Timeline(p.machine, p.journal)
    tables = p.machine.mem.live().tolist()
    assert len(tables) == 4  # a PUD page, a PMD page, the PTE page that stays, and the PGD page
    assert {table for table in timeline.places if timeline.places[table][0][0] == 0} > set(tables)
    assert all(timeline.entries[table][0].step == 0 for table in tables)
