"""Playing a scenario: the rows, errors, loops and files."""

import itertools

import pytest

from ptlab import Process, scenario
from ptlab.scenario import ScenarioError, parse

COUNTS = {
    *("pud", "pmd", "pte", "pte_kb", "rss_kb", "anon_kb", "huge_kb", "hugetlb_kb"),
    *("vmas", "minflt", "present", "zeropg", "filepg", "swap", "rc", "sig"),
}


GRAINS = ("entry", "table", "range")


def play(text, **kernel):
    return scenario.run(parse(text)[0], **kernel)


def test_the_life_of_a_pte_page_differs_by_scheme():
    life = scenario.find("life-of-a-pte-page")
    tables = {
        scheme: [row["pte"] for row in scenario.run(life, scheme=scheme)]
        for scheme in ("unmap_only", "pte_refcount", "pt_reclaim")
    }
    assert tables["unmap_only"] == [0, 1, 1, 1, 0]
    assert tables["pte_refcount"] == [0, 1, 1, 0, 0]
    assert tables["pt_reclaim"] == [0, 1, 1, 0, 0]


def test_a_row_has_the_fields_of_a_recorded_step():
    for row in play("mmap s0 2M\ntouch w s0 8K"):
        assert set(row) == COUNTS | {"op", "who", "err"}
        assert {type(row[field]) for field in COUNTS} == {int}
    assert row["op"] == "touch w s0 8K"
    assert (row["pud"], row["pmd"], row["pte"], row["pte_kb"], row["minflt"]) == (1, 1, 1, 12, 2)
    assert (row["present"], row["rss_kb"], row["vmas"], row["rc"], row["err"]) == (2, 8, 1, 0, None)


def test_a_refused_access_has_efault_and_is_counted():
    row = play("mmap s0 1M\ntouch w s0 1028K")[-1]
    assert (row["rc"], row["err"], row["sig"], row["minflt"]) == (-1, "EFAULT", 1, 256)


def test_an_unaligned_address_is_for_the_kernel_to_refuse():
    rows = play("mmap s0 2M\nmunmap s0+1 4K\nmadvise DONTNEED s0+1 4K\nmmap s0 4K\nnop")
    assert [row["err"] for row in rows] == [None, "EINVAL", "EINVAL", "EEXIST", None]
    assert rows[-1]["vmas"] == 1


def test_a_loop_goes_on_after_an_error():
    row = play("mmap s0 1M\nmmap s0+2M 1M\ntouch w s0 1M\ntouch w s0+2M 1M\n"
               "madvise_each DONTNEED s0 3M 1M")[-1]  # fmt: skip
    assert (row["rc"], row["err"], row["present"]) == (-1, "ENOMEM", 0)


def test_what_is_not_modelled_ends_the_scenario():
    rows = play("file f 2M disk\nmmap s0 2M file:f\ntouch r s0 4K\nnop\nmunmap s0 2M")
    assert [row["op"] for row in rows] == ["file f 2M disk", "mmap s0 2M file:f", "touch r s0 4K"]
    why = "a page of a disk file that is not in the page cache: readahead decides"
    assert rows[-1] == {"op": "touch r s0 4K", "who": "p", "unsupported": True, "why": why}


def test_numbers_count_from_the_beginning_of_the_scenario():
    process = Process(kernel="6.1")
    process.touch(process.mmap(4096))
    (other,) = parse("mmap s1 4K\ntouch w s1 4K\nmunmap s1 4K")
    assert [row["pte"] for row in scenario.play(process, other)] == [0, 1, 0]


def test_grains_leave_the_same_rows():
    for name in ("B04_dontneed_unaligned", "C09_munmap_middle", "B15_dontneed_over_hole"):
        rows = [scenario.run(scenario.find(name), grain=grain) for grain in GRAINS]
        assert all(one == other for one, other in itertools.pairwise(rows))


def test_progress_of_a_loop():
    (loop,) = parse("mmap s0 8M noreserve\ncover s0 8M")
    calls = []
    scenario.run(loop, progress=lambda done, total: calls.append((done >> 20, total >> 20)))
    assert calls == [(2, 8), (4, 8), (6, 8), (8, 8)]


def test_a_file_that_nobody_made_is_named_with_its_line():
    with pytest.raises(ScenarioError, match=r"scenario:2:1: found file 'f', expected a file made"):
        play("mmap s0 2M\ntruncate f 4K")
