"""Random programs on this machine's kernel and on the simulator, and rules broken on purpose."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.fuzz_mutants import MUTANTS, differs, rows
from ptlab import MADV_DONTNEED, MADV_DONTNEED_LOCKED, scenario
from ptlab.base.geometry import PAGE_SIZE, PMD_SIZE
from ptlab.cli import main
from ptlab.kernels import fuzz, recorded, replay
from ptlab.kernels.fuzz import Disagreement, attempt, search
from ptlab.kernels.random_programs import CORNERS, NEAR, Calls, Place, programs, size
from ptlab.paths import fork, madvise, pgtables
from ptlab.paths.zap import ZapDetails, unmap_page_range
from ptlab.state.mmu_gather import MmuGather, tlb_flush_mmu

GENERATE = settings(
    database=None,
    deadline=None,
    phases=[Phase.generate],  # whether something is found matters here, not how small it is
    suppress_health_check=list(HealthCheck),
)


def test_random_programs_agree_with_this_kernel(here, capsys):
    first = 2021  # the same programs every time; `ptlab fuzz` takes any others
    with capsys.disabled():
        print(f" [ptlab fuzz --minutes 0 --seed {first}] ", end="", flush=True)
    search(*here, first)


# -- rules broken on purpose --


def floor_too_high(monkeypatch):
    """free_pgtables() takes the VMA below to end a page later."""
    real = pgtables.free_pgd_range

    def free_pgd_range(mm, tlb, start, end, floor, ceiling):
        yield from real(mm, tlb, start, end, floor + PAGE_SIZE, ceiling)

    monkeypatch.setattr(pgtables, "free_pgd_range", free_pgd_range)


def ceiling_too_low(monkeypatch):
    """free_pgtables() takes the VMA above to begin a page earlier."""
    real = pgtables.free_pgd_range

    def free_pgd_range(mm, tlb, start, end, floor, ceiling):
        yield from real(mm, tlb, start, end, floor, ceiling and ceiling - PAGE_SIZE)

    monkeypatch.setattr(pgtables, "free_pgd_range", free_pgd_range)


def reclaim_over_two_vmas(monkeypatch):
    """MADV_DONTNEED frees every empty table in its range, also one that two VMAs share."""
    real = madvise.madvise_walk_vmas

    def madvise_walk_vmas(mm, start, end, advice):
        hole = yield from real(mm, start, end, advice)
        first, last = -(-start // PMD_SIZE) * PMD_SIZE, end // PMD_SIZE * PMD_SIZE
        if advice in (MADV_DONTNEED, MADV_DONTNEED_LOCKED) and first < last:
            tlb = MmuGather(mm)
            yield from unmap_page_range(mm, tlb, first, last, ZapDetails(reclaim_pt=True))
            yield from tlb_flush_mmu(tlb)
        return hole

    monkeypatch.setattr(madvise, "madvise_walk_vmas", madvise_walk_vmas)


def fork_skips_empty_tables(monkeypatch):
    """copy_page_range() looks at the entries before it allocates the child's table."""
    real = fork.pte_tables

    def pte_tables(mm, start, end):
        mem = mm.machine.mem
        for pmd, slots, columns in real(mm, start, end):
            all_slots = np.atleast_1d(slots)
            for slot in all_slots[mem.nonnone[mem.at(pmd, all_slots)] > 0].tolist():
                yield pmd, slot, columns

    monkeypatch.setattr(fork, "pte_tables", pte_tables)


BROKEN = [floor_too_high, ceiling_too_low, reclaim_over_two_vmas, fork_skips_empty_tables]


@pytest.mark.parametrize("break_it", BROKEN)
def test_the_recordings_find_a_broken_rule(monkeypatch, break_it):
    long = ("I04_cover_50G", "P_mix_pg_shared_buffers")
    traces = [trace for trace in recorded("6.18") if trace.scenario not in long]
    break_it(monkeypatch)
    assert any(replay(trace).differences for trace in traces)


def programs_at_one_border():
    """All around one border of PTE pages, with a fork at the end: programs() meets each rule in one
    of some hundred programs, these in one of a few dozen, so that the test does not hang on chance.
    """
    calls = Calls(st.builds(Place, st.just("s1+2M"), st.sampled_from(NEAR[:3])))
    some = st.lists(calls.any(calls.of_tables()), min_size=4, max_size=12)
    return st.builds(
        lambda first, more: "\n".join([first, *more, "fork 1", "nop"]), calls.mmap(), some
    )


@pytest.mark.parametrize("break_it", BROKEN)
def test_random_programs_find_a_broken_rule(monkeypatch, break_it):
    @seed(1)
    @settings(GENERATE, max_examples=5000)
    @given(programs_at_one_border())
    def agree(program):
        expected = rows(program)  # that Linux does so, test_random_programs_agree_... asks
        with monkeypatch.context() as broken:
            break_it(broken)
            assert rows(program) == expected

    with pytest.raises(AssertionError):
        agree()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.kind)
def test_the_program_kept_with_a_mutant_notices_it(mutant):
    assert differs(mutant, mutant.program)  # `make fuzz-mutants` finds each by random programs


# -- what is found is told well --


@pytest.fixture
def wrong_scheme(here):
    """A kernel that is said to have the other reclaim scheme."""
    recorder, kernel = here
    other = {"pt_reclaim": "unmap_only", "unmap_only": "pt_reclaim"}[kernel.scheme]
    return recorder, kernel._replace(scheme=other)


@pytest.fixture
def one_kind(monkeypatch):
    """Of all kinds of programs only those of programs(), which a test chooses."""
    for others in ("huge", "operation", "chosen", "hugetlb", "shared_pmd", "gigantic"):
        monkeypatch.setattr(fuzz, f"{others}_programs", st.nothing)


FEW = ["nop", "mmap s1 2M", "touch w s1 4K", "touch w s1+1M 8K", "madvise DONTNEED s1 2M"]
PROGRAM = "mmap s1 2M\ntouch w s1 4K\nmadvise DONTNEED s1 2M"


def test_a_disagreement_is_the_smallest_program_and_both_rows(wrong_scheme, one_kind, monkeypatch):
    few = st.lists(st.sampled_from(FEW), min_size=4, max_size=12).map("\n".join)
    monkeypatch.setattr(fuzz, "programs", lambda: few)
    with pytest.raises(Disagreement) as found:
        search(*wrong_scheme, 1, 1000)
    told = str(found.value).splitlines()
    assert "\n".join(told[:3]) == PROGRAM
    assert told[3] == "# op 2, madvise DONTNEED s1 2M: pte_kb differ; Linux, then the simulator"
    assert "pte_kb 8" in told[4] + told[5]
    assert "pte_kb 12" in told[4] + told[5]
    assert len(scenario.parse(str(found.value))[0].ops) == 3


def test_the_command_prints_it_with_its_seed(wrong_scheme, one_kind, capsys, monkeypatch):
    _, kernel = wrong_scheme
    monkeypatch.setattr("ptlab.cli.fuzz.modelled_kernel", lambda recorder: kernel)
    monkeypatch.setattr(fuzz, "programs", lambda: st.just(PROGRAM))
    assert main(["fuzz", "--minutes", "0", "--seed", "7"]) == 1
    assert f"seed 7: they disagree\n{PROGRAM}\n# op 2" in capsys.readouterr().out


def test_the_command_counts_what_agreed(here, one_kind, capsys, monkeypatch):
    monkeypatch.setattr(fuzz, "programs", lambda: st.just(PROGRAM))
    assert main(["fuzz", "--minutes", "0", "--seed", "7"]) == 0
    out = capsys.readouterr().out
    assert "first seed: 7\n" in out
    assert "1 programs, 3 ops: all agree" in out


def test_a_reading_that_does_not_repeat_is_no_disagreement(here, monkeypatch):
    recorder, kernel = here
    real, plays = recorder.play, []

    def play(played):
        rows = real(played)
        rows[1]["minflt"] += not plays
        plays.append(rows)
        return rows

    monkeypatch.setattr(recorder, "play", play)
    assert attempt(recorder, kernel, PROGRAM).differences == []
    assert len(plays) == 4


def test_a_machine_without_huge_pages_is_no_disagreement(wrong_scheme, monkeypatch):
    with pytest.raises(Disagreement):
        attempt(*wrong_scheme, PROGRAM)
    monkeypatch.setattr(fuzz, "huge_pages_refused", iter(range(9)).__next__)
    assert attempt(*wrong_scheme, PROGRAM).differences == []


# -- the programs --


def test_the_programs_use_the_whole_language_rightly():
    words = set()

    @seed(1)
    @settings(GENERATE, max_examples=500)
    @given(programs())
    def read(program):
        (parsed,) = scenario.parse(program)
        assert parsed.ops
        words.update(program.split())

    read()
    assert words >= {
        "fork",
        "forkbg",
        "endfork",
        "mremap",
        "mlock",
        "munlock",
        "munmap",
        "mprotect",
    }
    assert words >= {"populate", "over", "noreserve", "shared", "none", "dontunmap", "r"}
    assert words >= {
        "FREE",
        "DONTNEED_LOCKED",
        "COLD",
        "POPULATE_READ",
        "GUARD_INSTALL",
        "DONTFORK",
    }


def test_places_and_sizes_are_written_for_people():
    assert str(Place("s1+2M", -PAGE_SIZE)) == "s1+2M-4K"
    assert [size(number) for number in (0, 5000, (2 << 20) + 4096)] == ["0", "4K+904", "2M+4K"]
    assert Place("s2", PAGE_SIZE).address == CORNERS["s2"] + PAGE_SIZE
