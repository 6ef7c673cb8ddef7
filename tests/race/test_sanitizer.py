"""The sanitizer: it notices each use of a freed page, and which segments depend on each other."""

from ptlab.race.broken_caches import UsesStaleTlb
from ptlab.race.broken_rule import UsesFreed
from ptlab.race.dpor import dependent
from ptlab.race.explore import explore
from ptlab.race.scenes import find
from ptlab.race.scenes.scene import BASE, PAGE, TABLE, Scene, dontneed, read, write
from ptlab.state.mm import Count


def broken(scene):
    """The rule that the scene's broken variant breaks, and the scheduler in which it did."""
    schedule = explore(find(scene), "broken").shortest
    scheduler = find(scene).run(schedule, "broken")
    return scheduler.verdict.broken[0], scheduler


def test_a_lock_in_a_freed_page_is_a_use_after_free():
    rule, scheduler = broken("walker-rcu")
    assert isinstance(rule, UsesFreed) and rule.task == "A" and rule.ago >= 1
    assert scheduler.sanitizer.freed_at[rule.page.number] < len(scheduler.schedule)


def test_a_translation_that_outlives_its_page_is_found_and_a_fresh_one_is_not():
    rule, _ = broken("stale-tlb")
    assert isinstance(rule, UsesStaleTlb) and rule.task == "A"
    assert explore(find("stale-tlb"), "fixed").result == "exhausted"


def segments(second, touched=2 * TABLE):
    """What a read of page 0 uses, and what another task's access uses, each to its end."""

    def prepare(process):
        heap = process.mmap(2 * TABLE, at=BASE)
        process.touch(heap, touched)
        return {"first": read(process, heap), "second": second(process, heap)}

    plain = find("stale-tlb").fixed
    scheduler = Scene("pair", "Two accesses", "", prepare, plain, plain).start("fixed")
    used = {"A": {}, "B": {}}
    for letter in "AB":
        while letter in scheduler.enabled():
            for thing, how in scheduler.go(letter).footprint.items():
                used[letter][thing] = used[letter].get(thing, 0) | how
    return used["A"], used["B"]


def test_accesses_depend_on_each_other_only_where_they_meet():
    assert not dependent(*segments(lambda p, heap: read(p, heap)))
    assert not dependent(*segments(lambda p, heap: write(p, heap + TABLE + PAGE)))
    assert dependent(*segments(lambda p, heap: dontneed(p, heap, PAGE)))


def test_a_walk_uses_one_entry_of_each_table_and_not_the_number_of_huge_pages():
    """A table comes into the next slot of the same PMD page meanwhile, or a huge page somewhere."""
    walk, install = segments(lambda p, heap: write(p, heap + TABLE), touched=PAGE)
    assert not dependent(walk, install)
    assert [how for thing, how in install.items() if thing[:3] == ("entry", 2, 1)] == [3]
    assert not any(thing[0] == "total" and thing[2] == Count.HUGE for thing in walk)
