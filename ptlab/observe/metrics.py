"""The figures of processes in the OpenMetrics text format, for node_exporter and Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from ptlab.observe.every_process import Summary


def openmetrics(processes: Iterable[Summary]) -> str:
    """VmPTE of each process, and its tables by kind where it could be looked at.

    A file of this text is what node_exporter's textfile collector reads.
    """
    # It takes 24 ms to import, and every `ptlab` command would wait for it.
    from prometheus_client import CollectorRegistry, Gauge
    from prometheus_client.openmetrics.exposition import generate_latest

    registry = CollectorRegistry()
    labels = ("pid", "name")
    vmpte = Gauge("ptlab_vmpte_bytes", "VmPTE of /proc/PID/status", labels, registry=registry)
    tables = Gauge(
        "ptlab_page_tables",
        "Page-table pages by kind; empty is VmPTE less all others",
        (*labels, "kind"),
        registry=registry,
    )
    still = Gauge(
        "ptlab_observed_still",
        "1 if the process changed nothing while it was looked at, so that the kinds are exact",
        labels,
        registry=registry,
    )
    for one in processes:
        vmpte.labels(one.pid, one.name).set(one.vmpte_kb << 10)
        if one.observation is not None:
            for kind, count in one.observation.counts.items():
                tables.labels(one.pid, one.name, kind).set(count)
            still.labels(one.pid, one.name).set(one.observation.still)
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode()
