"""One design through the scenes: which ones run, what a failure says, and that it can be run again."""

from ptlab import ReclaimScheme, race
from ptlab.race.all_scenes import races


class Late(ReclaimScheme):
    """Checks that a table is empty, and takes the lock only then."""

    def zapped(self, mm, tables, walk, why, tlb):
        if why == "madvise" and not mm.machine.mem.nonnone[tables]:
            pmd = mm.machine.mem.parent_of(tables)
            yield from mm.machine.lock("pmd_lock", "pmd_lock", pmd, "spin")
            yield mm.unhook_pte(tables, "late")
            yield mm.machine.unlock("spin_unlock", "pmd_lock")
            tlb.free_tables(tables)


def test_scenes_that_are_named_are_run_and_of_the_others_nothing_is_said():
    results = races("unmap_only", most=1, scenes=["stale-tlb", "gup-fast"])
    assert [result.scene for result in results] == ["stale-tlb", "gup-fast"]
    assert "Left out" not in str(results)


def test_a_failure_has_a_schedule_that_fails_again_and_the_word_of_the_design():
    results = races(Late, scenes=["pmd-same"])
    (failure,) = results.failures
    assert race("pmd-same", scheme=Late, schedule=failure.shortest).verdict == failure.verdict
    closing = "What Late says of itself: Checks that a table is empty"
    assert closing in str(results) and closing in results._repr_html_()


def test_without_a_failure_the_design_has_no_word():
    results = races("unmap_only", scenes=["stale-tlb"])
    assert results.failures == [] and results[0].result == "exhausted"
    assert "says of itself" not in str(results)
