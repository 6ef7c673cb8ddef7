"""The kernel that is running: what it is, and whether the simulator agrees with it, op for op."""

import os

import pytest

from ptlab.base.geometry import PMD_SIZE
from ptlab.kernels import live
from ptlab.kernels.judge import judge
from ptlab.kernels.live import Kernel, needs_huge_pages, why_not
from ptlab.scenario import find, parse, run
from ptlab.scenario.builtin import builtin

FULL_SIZE = ("cover-letter", "I04_cover_50G", "P_mix_pg_shared_buffers")  # they take long


@pytest.mark.parametrize("name", [name for name in builtin() if name not in FULL_SIZE])
def test_every_op_agrees_with_this_kernel(here, name):
    recorder, kernel = here
    scenario = find(name)
    if reason := why_not(scenario, kernel):
        pytest.skip(reason)
    scenario = live.beside_promises(scenario)
    result = judge(scenario, kernel, recorder.play(scenario))
    assert result.differences == []
    assert result.unsupported is None


@pytest.mark.parametrize(
    ("release", "profile"),
    [("6.1.0-56-amd64", "6.1"), ("6.6.87.2-WSL2", "6.1"), ("6.18.44", "6.18"), ("7.10.1", "7.3")],
)
def test_the_nearest_profile_that_is_not_newer_is_chosen(here, monkeypatch, release, profile):
    monkeypatch.setattr(live.platform, "release", lambda: release)
    assert live.this_kernel(here[0]).profile == profile


def test_which_scenarios_depend_on_the_settings_of_huge_pages():
    def needs(text):
        return needs_huge_pages(parse(text)[0])

    assert needs("mmap s0 2M thp")
    assert needs("mmap s0 2M keepthp")
    assert needs("mmap s0 2M\nmadvise COLLAPSE s0 2M")
    assert not needs("mmap s0 2M populate\nmadvise NOHUGEPAGE s0 2M")


def test_a_kernel_like_the_recordings_has_huge_pages_on_request_only():
    kernel = Kernel("6.18.44", "6.18", "6.18", "pt_reclaim", 4, "madvise", "never")
    assert kernel.like_the_recordings
    assert not kernel._replace(shmem_thp="advise").like_the_recordings


def test_a_pool_that_somebody_uses_is_left_alone(monkeypatch, tmp_path):
    files = tmp_path / "hugepages-2048kB"
    files.mkdir()
    for count, value in (("nr", 4), ("free", 4), ("resv", 0)):
        (files / f"{count}_hugepages").write_text(str(value))
    monkeypatch.setattr(live.pool, "SETTINGS", str(tmp_path))
    wants = parse("hugepages 2M 2")[0]
    assert live.lacks_pool(wants) == ""
    (files / "resv_hugepages").write_text("1")
    assert live.lacks_pool(wants) == ""  # see the next test
    (files / "free_hugepages").write_text("1")
    assert "3 of these pages" in live.lacks_pool(wants)


def test_settings_that_somebody_changed_who_was_killed_are_put_back(monkeypatch, tmp_path):
    files = {"hugepages-2048kB/nr_hugepages": "3", "enabled": "madvise"}
    files["khugepaged/pages_to_scan"] = "4096"
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for name in ("SETTINGS", "_THP", "BEFORE"):
        place = tmp_path / "before.json" if name == "BEFORE" else tmp_path
        monkeypatch.setattr(live.pool, name, str(place))
    child = os.fork()
    if not child:
        with live.pool.restored({PMD_SIZE}, {"enabled"}):
            live.pool.resize(PMD_SIZE, 5)
            live.pool.set_thp("enabled", "always")
            os._exit(0)  # nothing of its own is run any more
    os.waitpid(child, 0)
    assert (tmp_path / "enabled").read_text() == "always", "it was killed while it had changed them"
    assert live.pool.thp("enabled") == "madvise"
    assert {name: (tmp_path / name).read_text() for name in files} == files
    assert not (tmp_path / "before.json").exists()


def test_a_promise_of_the_machine_stays_beside_those_of_a_scenario(monkeypatch):
    monkeypatch.setattr(live.pool, "promised", lambda size: 1)
    mapped = "mmap s0 2M hugetlb2M\nmmap s1 2M hugetlb2M"
    alone = parse(f"hugepages 2M 1\n{mapped}\nhugepages 2M 2\n{mapped}")[0]
    beside = live.beside_promises(alone)
    counts = [op.system_calls() for op in beside.ops if op.huge_page_size]
    assert counts == [[["hugepages", PMD_SIZE, 2]], [["hugepages", PMD_SIZE, 3]]]
    rows = run(beside)
    assert [row["err"] for row in rows] == [None, None, "ENOMEM", None, "EEXIST", None]
    assert rows == run(alone)
