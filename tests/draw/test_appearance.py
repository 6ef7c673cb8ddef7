"""How one table looks: its strip of entries."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ptlab.base.pte import U64, swap_entry
from ptlab.draw.appearance import strip

kinds = {
    0: None,
    0x8000_0001_0000_0867: "page",
    0x8000_0000_02D0_D225: "zero",
    0x1067: "table",
    0x000F_FFFE_FFFF_F960: "protnone",
    swap_entry(1, 5): "swap",
    swap_entry(1, 6): "swap",
    swap_entry(20, 6): "swap",
}


@given(words=st.lists(st.sampled_from(list(kinds)), min_size=1, max_size=40))
def test_a_strip_covers_exactly_the_entries_that_are_not_none(words):
    runs = strip(np.array(words, U64))
    seen = [None] * len(words)
    for lo, hi, kind in runs:
        assert lo < hi
        seen[lo:hi] = [kind] * (hi - lo)
    assert seen == [kinds[word] for word in words]
    assert all(a[1] < b[0] or a[2] != b[2] for a, b in pairwise(runs))
