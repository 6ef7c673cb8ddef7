"""The page caches of a story agree, at each step, with the files and the entries of the engine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptlab
from ptlab.base import pte
from ptlab.process.walk import walk
from ptlab.state.page_cache import File
from ptlab.story import caches

few = settings(max_examples=max(4, settings.default.max_examples // 10))
PAGES = 8
steps = st.sampled_from(
    ["touch w s0+{}K 4K", "touch r s0+{}K 4K", "madvise DONTNEED s0+{}K 4K", "touch r s1+{}K 4K"]
)


def state_of(process: ptlab.Process, file: File, page: int) -> str:
    """What a page of a file is to a process that maps it from s0 and s1 on, entry by entry."""
    frame = int(file.cache[page]) if page < len(file.cache) else 0
    if not frame:
        return "absent"
    words = [int(w) for vma in process.mm.vmas for w in words_of(process, vma, frame)]
    return "dirty" if any(w & pte.DIRTY for w in words) else "mapped" if words else "cached"


def words_of(process, vma, frame):
    for address in range(vma.start, vma.end, 4096):
        read = walk(process, address).reads[-1]
        if read.word & 1 and int(pte.pfn(read.word)) == frame:
            yield read.word


@few
@given(done=st.lists(st.tuples(steps, st.integers(0, PAGES - 1)), max_size=6))
def test_each_page_has_the_state_that_the_entries_say(done):
    text = "\n".join([f"file f {4 * PAGES}K memfd", f"mmap s0 {4 * PAGES}K file:f",
                      f"mmap s1 {4 * PAGES}K file:f",
                      *(step.format(4 * page) for step, page in done)])  # fmt: skip
    story = ptlab.story(text, "pte_refcount")
    (cache,) = story.payload()["panes"][0]["caches"]
    process = story.process
    for k in range(0, len(process.journal) + 1, 3):
        process.journal.seek(k)
        seen = next((look for look in reversed(cache["track"]) if look["step"] <= k), None)
        found = ["absent"] * PAGES
        for first, last, state, _ in seen["strip"] if seen else []:
            found[first:last] = [state] * (last - first)
        if process.machine.files:
            (file,) = process.machine.files
            assert found == [state_of(process, file, page) for page in range(PAGES)]
        else:
            assert found == ["absent"] * PAGES


def test_the_box_says_who_maps_its_pages():
    text = "file f 16K memfd\nmmap s0 16K file:f\ntouch w s0 8K\nfork 1\ntouch r s0 4K"
    (cache,) = ptlab.story(text).payload()["panes"][0]["caches"]
    assert cache["title"] == "memfd file 0"
    lines = [look["line"] for look in cache["track"]]
    assert "2 of 4 pages cached, mapped: parent 2, with a dirty entry: 2" in lines
    assert any("mapped: parent 2, child 1 1" in line for line in lines)


def test_a_huge_page_of_a_file_maps_all_its_pages():
    text = "file f 2M memfd\nmmap s0 2M file:f\nmadvise POPULATE_READ s0 2M\nmadvise COLLAPSE s0 2M"
    (cache,) = ptlab.story(text, grain="table").payload()["panes"][0]["caches"]
    (run,) = cache["track"][-1]["strip"]
    assert run[:3] == (0, 512, "mapped")


def test_a_file_that_is_too_large_is_not_drawn(monkeypatch):
    monkeypatch.setattr(caches, "MOST", 3)
    story = ptlab.story("file f 16K memfd\nmmap s0 16K file:f\ntouch w s0 8K")
    assert story.payload()["panes"][0]["caches"] == []


@pytest.mark.parametrize("pages", [[], [3], [0, 1, 4]])
def test_runs_break_where_pages_or_frames_are_no_neighbours(pages):
    frames = np.array([100 + p for p in pages], np.int64)
    runs = caches._runs(np.array(pages, np.int64), frames, np.ones(len(pages), np.int8))
    assert [page for first, last, _, _ in runs for page in range(first, last)] == pages
