"""The simulator against the kernel of this machine: `ptlab verify --live`."""

import pytest

from ptlab.cli import main
from ptlab.kernels import live
from ptlab.kernels.judge import judge
from ptlab.kernels.live import Kernel, Recorder, needs_huge_pages
from ptlab.scenario import find, parse
from ptlab.scenario.builtin import builtin

FULL_SIZE = ("cover-letter", "I04_cover_50G", "P_mix_pg_shared_buffers")  # they take long


@pytest.mark.parametrize("name", [name for name in builtin() if name not in FULL_SIZE])
def test_every_op_agrees_with_this_kernel(here, name):
    recorder, kernel = here
    scenario = find(name)
    if needs_huge_pages(scenario) and not kernel.like_the_recordings:
        pytest.skip("huge pages are set in another way than for the recordings")
    result = judge(scenario, kernel, recorder.play(scenario))
    assert result.differences == []
    assert result.unsupported is None


def test_the_command_compares_and_names_the_kernel(here, capsys):
    assert main(["verify", "--live", "B01_dontneed_2M", "A02_first_touch", "--times", "1"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [f"{here[1].name},", "live", "all", "2", "10", "0", "0"] in lines


def test_the_command_fails_where_they_differ(here, capsys, monkeypatch):
    other = {"pt_reclaim": "unmap_only", "unmap_only": "pt_reclaim"}[here[1].scheme]
    wrong = here[1]._replace(scheme=other)
    monkeypatch.setattr("ptlab.cli.verify.modelled_kernel", lambda recorder: wrong)
    assert main(["verify", "--live", "B01_dontneed_2M", "--times", "1"]) == 1
    assert "madvise DONTNEED s0 2M: pte_kb is" in capsys.readouterr().out


def test_unstable_fields_are_reported_and_not_compared(here, capsys, monkeypatch):
    def shaky(self, scenario, times):
        rows = self.play(scenario)
        rows[1] |= {"err": None, "minflt": None, "unstable": {"minflt": [1, 7]}}
        return rows

    monkeypatch.setattr(Recorder, "record", shaky)
    assert main(["verify", "--live", "A02_first_touch"]) == 0
    assert "op 1, touch w s0 4K: minflt was 1, 7 by turns" in capsys.readouterr().err


def test_other_settings_of_huge_pages_skip_what_depends_on_them(here, capsys, monkeypatch):
    always = here[1]._replace(thp="always")
    monkeypatch.setattr("ptlab.cli.verify.modelled_kernel", lambda recorder: always)
    assert main(["verify", "--live", "H01_thp_fault", "A02_first_touch", "--times", "1"]) == 0
    out, err = capsys.readouterr()
    assert "H01_thp_fault is skipped: transparent huge pages are set to always" in err
    assert ["all", "1", "5"] in [line.split()[2:5] for line in out.splitlines()]


def test_elsewhere_it_is_skipped_with_the_reason(capsys, monkeypatch):
    monkeypatch.setattr(live.platform, "system", lambda: "Windows")
    monkeypatch.setattr(live.platform, "machine", lambda: "AMD64")
    assert main(["verify", "--live"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        "ptlab: skipped: this is Windows on AMD64: recording needs Linux on x86-64\n",
    )


@pytest.mark.parametrize(
    ("release", "reason"),
    [
        ("5.4.0-150-generic", "this is Linux 5.4.0-150-generic: recording needs 5.14 or newer"),
        ("5.15.0", "this is Linux 5.15.0: ptlab models 6.1 and newer"),
    ],
)
def test_an_old_kernel_is_skipped_with_the_reason(here, capsys, monkeypatch, release, reason):
    monkeypatch.setattr(live.platform, "release", lambda: release)
    assert main(["verify", "--live"]) == 0
    assert reason in capsys.readouterr().err


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


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--live", "--kernel", "6.1"], "leave out --kernel"),
        (["--live", "B01_dontned_2M"], "did you mean B01_dontneed_2M"),
        (["--times", "0"], "argument --times: invalid choice: "),
    ],
)
def test_bad_usage_is_explained(capsys, args, message):
    try:
        status = main(["verify", *args])
    except SystemExit as exit_:
        status = exit_.code
    assert status == 2
    assert message in capsys.readouterr().err
