"""One workload under many designs: which run, where, and what is not judged."""

from ptlab.costs.measure import measure
from ptlab.costs.workloads import WORKLOADS

BIG = ("cover-letter", "sparse-terabytes", "production-snapshot")
SMALL = [name for name in WORKLOADS if name not in BIG]


def ends(name, *schemes):
    return {m.scheme: m.end_kb for m in measure(name, *schemes)}


def test_what_the_simulator_does_not_model_is_not_judged():
    text = "file d 1M disk\nmmap s0 1M file:d\ntouch r s0 4K"
    (measured,) = measure(text, "pt_reclaim")
    assert measured.unsupported == "touch r s0 4K"


def test_all_processors_come_to_the_same():
    alone, together = (measure("full-table", parallel=parallel) for parallel in (False, True))
    assert [m.as_dict() for m in alone] == [m.as_dict() for m in together]


def test_a_scenario_of_the_lab_and_a_text_can_be_compared_too():
    assert ends("life-of-a-pte-page", "unmap_only", "pt_reclaim") == {
        "unmap_only": 12,
        "pt_reclaim": 8,
    }
    assert ends("mmap s0 2M\ntouch w s0 4K", "pt_reclaim") == {"pt_reclaim": 12}


def test_a_browser_measures_in_this_process(monkeypatch):
    monkeypatch.setattr("sys.platform", "emscripten")
    monkeypatch.setattr("ptlab.costs.measure.get_context", None)  # no way to start a process
    assert [m.scheme for m in measure("full-table", "unmap_only", "pt_reclaim", parallel=True)] == [
        "unmap_only",
        "pt_reclaim",
    ]
