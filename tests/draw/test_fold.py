"""Long runs of alike tables."""

from hypothesis import given
from hypothesis import strategies as st

from ptlab.draw.fold import SHORTEST, WIDEST, folds


@given(data=st.lists(st.integers(0, 2), max_size=60))
def test_folding_loses_no_table_and_folds_only_what_is_worth_it(data):
    children = {0: list(range(1, len(data) + 1))}
    shown, folded = folds(0, children, lambda t: data[t - 1] if t else None)
    inside = [t for fold in folded for t in fold.tables]
    assert sorted(shown + inside) == list(range(len(data) + 1))
    assert len(shown) - 1 + len(folded) <= WIDEST
    if len(data) <= WIDEST:
        for fold in folded:
            assert len(fold.tables) >= SHORTEST - 2
            assert len({data[t - 1] for t in fold.tables}) == 1
