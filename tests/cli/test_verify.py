"""`ptlab verify`: what it counts, and what it says where the two differ."""

import json

import pytest

from ptlab.cli import main
from ptlab.kernels import live, recorded
from ptlab.kernels.live import Recorder
from tests.support.command import ptlab, unwrapped


def only(*names, wrong=0):
    """A stand-in for `recorded` with few traces; `wrong` is added to their second PTE count."""

    def few(kernel):
        traces = [trace for trace in recorded(kernel) if trace.scenario in names]
        for trace in traces:
            trace.steps[1]["pte"] += wrong
        return traces

    return few


def test_verify_counts_ops_compared_and_differing(capsys, monkeypatch):
    monkeypatch.setattr("ptlab.kernels.judge.recorded", only("A02_first_touch", "E01_fork_anon"))
    status, out, _ = ptlab(capsys, "verify", "--kernel", "6.1")
    assert status == 0
    assert ["6.1", "all", "2", "12", "0", "0"] in [line.split() for line in out.splitlines()]


def test_verify_says_what_differs_and_fails(capsys, monkeypatch):
    monkeypatch.setattr("ptlab.kernels.judge.recorded", only("A02_first_touch", wrong=1))
    status, out, _ = ptlab(capsys, "verify", "--kernel", "6.1")
    assert status == 1
    assert "op 1, touch w s0 4K: pte is 1, Linux says 2" in out
    status, out, _ = ptlab(capsys, "verify", "--kernel", "6.1", "--json")
    assert status == 1
    result = json.loads(out)
    assert (result["kernel"], result["scenario"], result["ops"]) == ("6.1", "A02_first_touch", 5)
    assert result["differences"] == [
        {"step": 1, "op": "touch w s0 4K", "field": "pte", "recorded": 2, "simulated": 1}
    ]


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
    assert message in unwrapped(capsys.readouterr().err)
