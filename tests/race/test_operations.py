"""Generated scenes: any two operations; of what fails, the shortest schedule of each kind is kept."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from ptlab.race.all_scenes import races
from ptlab.race.operations import generated, shortest_of_each_kind
from ptlab.schemes import PtReclaim, scheme_class


class FreesAtOnce(PtReclaim):
    """No grace period, and no flush before the table goes."""

    name = "frees_at_once"

    def zap_ends(self, mm: Any, tables: Any, whole: Any, locked_result: Any, tlb: Any) -> Any:
        if locked_result:
            yield mm.machine.free("frees_at_once", tables)


def test_pairs_find_a_wrong_scheme_and_the_shortest_of_each_kind_is_kept() -> None:
    wanted = [s for s in generated() if s.name.startswith("anonymous: DONTNEED the table")]
    results = races(FreesAtOnce, scenes=wanted[:6], most=10)
    (kept,) = shortest_of_each_kind(results)
    assert "frees PTE page 3 without a TLB flush since it was unhooked" in kept.verdict.sentence
    assert kept.shortest is not None
    assert len(kept.shortest) == min(len(r.shortest or "") for r in results.failures)


@pytest.mark.parametrize(
    ("scheme", "name"),
    [
        ("every_level", "sparse_file: exit, truncate"),  # exit did not wait for the truncate
        ("pte_refcount", "sparse_file: COLLAPSE, COLLAPSE"),  # nor a collapse, until 6.5
        ("pt_rwsem", "sparse_file: COLLAPSE, COLLAPSE"),  # it looked up the PMD page too early
        ("mapped_count", "shared: background, truncate"),  # nor did the design
        ("mapped_count", "sparse_file: write page 5, COLLAPSE"),  # a judge's read was a task's
        ("pte_refcount", "sparse_file: COLLAPSE, POPULATE_WRITE"),  # and so was a replayed put's
        # Who had lost __pmd_alloc() to another walk held no reference to that one's PMD page.
        ("every_level", "huge_file: read page 0 twice, read page 0 twice"),
        # Two pages were populated in one step, also when one of them was not there any more.
        ("pte_refcount", "anonymous: DONTNEED page 0, POPULATE_WRITE, fork"),
        # Nothing is lost with entries of the zero page.
        ("mapped_count", "may_be_huge: read page 0 twice, DONTNEED page 0, background"),
    ],
)
def test_what_the_searches_have_found_is_mended(scheme: str, name: str) -> None:
    design = scheme_class(scheme)
    of = name.count(",") + 1
    (scene,) = (one for one in generated(of, design.kernel) if one.name == name)
    (result,) = races(design, scenes=[scene], most=60)
    assert result.schedules > 1 and result.result != "failure", result


def test_the_scenes_are_named_after_what_they_do_and_none_is_there_twice() -> None:
    names = [scene.name for scene in generated()]
    assert len(set(names)) == len(names) > 1400
    assert "only_table: exit, OOM reaper" in names and "huge: mprotect, GUP-fast" in names
    assert "two_processes: fork, the child writes" in names
    assert not any(name.startswith("shared") and "child" in name for name in names)
    assert all(scene.name.count(",") == 2 for scene in islice(generated(3, "6.1"), 50))
    with pytest.raises(ValueError, match="at least 1 is needed"):
        next(generated(0))
