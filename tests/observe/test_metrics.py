"""The official parser reads what is printed, and finds the same figures."""

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from ptlab.observe import observe
from ptlab.observe.every_process import Summary, every_process
from ptlab.observe.metrics import openmetrics


def test_the_parser_reads_it(child):
    seen = observe(child.pid)
    odd = 'a "name" \\ with\nall'
    text = openmetrics([Summary(child.pid, odd, seen.vmpte_kb, seen), Summary(1, "init", 40, None)])
    samples = {
        (sample.name, sample.labels["pid"], sample.labels.get("kind")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    pid = str(child.pid)
    assert samples["ptlab_vmpte_bytes", pid, None] == seen.vmpte_kb << 10
    assert samples["ptlab_page_tables", pid, "pte"] == len(seen.tables.pte)
    assert samples["ptlab_vmpte_bytes", "1", None] == 40 << 10
    assert ("ptlab_page_tables", "1", "pte") not in samples


def test_every_process_is_there(child):
    found = {one.pid: one for one in every_process()}
    assert found[child.pid].observation is not None
    assert found[child.pid].vmpte_kb > 0
