"""Two stories side by side."""

from itertools import pairwise

from ptlab import compare

LIFE = "mmap s0 2M\ntouch w s0 8K\nmadvise DONTNEED s0 2M\nmunmap s0 2M"


def test_a_comparison_shows_both_at_the_same_call():
    told = compare(LIFE, "unmap_only", "pte_refcount")
    payload = told.payload()
    panes, frames = payload["panes"], payload["frames"]
    assert [pane["name"] for pane in panes] == ["unmap_only", "pte_refcount"]
    assert frames[0] == [0, 0]
    assert frames[-1] == [len(pane["steps"]) - 1 for pane in panes]
    for before, after in pairwise(frames):
        moved = [b - a for a, b in zip(before, after, strict=True)]
        assert set(moved) <= {0, 1} and 1 in moved
        both = [pane["steps"][k] for pane, k in zip(panes, after, strict=True)]
        if moved == [1, 1]:
            assert both[0]["fn"] == both[1]["fn"] and both[0]["op"] == both[1]["op"]


def test_what_both_do_is_shown_in_one_frame():
    told = compare(LIFE, "unmap_only", "pte_refcount").payload()
    panes, frames = told["panes"], told["frames"]
    for fn in ("mmap_region", "pmd_populate", "set_pte_at", "ptep_get_and_clear"):
        rows = [[k for k, step in enumerate(pane["steps"]) if step["fn"] == fn] for pane in panes]
        assert rows[0] and len(rows[0]) == len(rows[1])
        for together in zip(*rows, strict=True):
            first = next(frame for frame in frames if frame[0] == together[0])
            assert first == list(together), f"{fn} is not shown side by side"
