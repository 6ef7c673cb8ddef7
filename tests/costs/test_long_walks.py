"""Long walks: what a walk over many tables costs under references, and under one lock."""

from dataclasses import replace

import pytest

from ptlab.costs.long_walks import CONSTANTS, WALKS, tables_from_which_rwsem_wins, walk_cost


@pytest.mark.parametrize("advice", WALKS)
def test_references_cost_something_in_every_table_and_unmap_only_is_the_measure(advice):
    costs = [walk_cost("pte_refcount", advice, tables, 2) for tables in (1, 2, 4)]
    assert 0 < costs[0] < costs[1] < costs[2]
    assert walk_cost("unmap_only", advice, 4, 2) == 0


def test_alone_on_the_machine_the_lock_is_cheaper_from_the_second_table_on():
    assert tables_from_which_rwsem_wins("FREE", 1) == 2


def test_a_dearer_hand_over_moves_the_border_up():
    dearer = replace(CONSTANTS, hand_over=2 * CONSTANTS.hand_over)
    near, far = (tables_from_which_rwsem_wins("FREE", 4, c) for c in (CONSTANTS, dearer))
    assert 1 < near < far


def test_a_walk_that_is_not_priced_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown walk 'COLD': one of FREE, DONTNEED"):
        walk_cost("pte_refcount", "COLD", 1, 1)
