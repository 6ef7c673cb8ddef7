"""All designs side by side: the report, the pictures, the panel, and the table of 80 columns."""

from xml.etree import ElementTree

from ptlab import SCHEMES
from ptlab.costs.measure import measure

SMALL = "mmap s0 4M\ntouch w s0 4M\nmadvise DONTNEED s0 2M"


def text_of(svg):
    """All words of a picture, in order."""
    return [e.text for e in ElementTree.fromstring(svg).iter() if e.text]


def test_the_report_has_every_design_its_fate_and_both_tables():
    measured = measure(SMALL)
    html = measured._repr_html_()
    for m in measured:
        assert html.count(f">{m.scheme}</th>") == 4  # verdict, memory, price, locks
        assert m.fate == SCHEMES[m.scheme].fate and m.fate in html
    for told in measured.verdicts().values():
        assert told in html
    assert "grace waits" in html and "end kB" in html


def test_printed_it_is_the_verdicts_and_the_fates():
    measured = measure(SMALL, "unmap_only", "pt_reclaim")
    assert repr(measured) == "<Measurements of 'scenario': unmap_only, pt_reclaim>"
    said = f"pt_reclaim: {measured.verdicts()['pt_reclaim']} {SCHEMES['pt_reclaim'].fate}"
    assert " ".join(str(measured).split()).endswith(" ".join(said.split()))


def test_small_pictures_have_their_numbers_in_words():
    words = text_of(measure(SMALL).chart().svg())
    assert "VmPTE during scenario" in words
    assert words[words.index("unmap_only") + 1] == "peak 16 kB, end 16 kB"
    assert words[words.index("pte_refcount") + 1] == "peak 16 kB, end 12 kB"
    assert words[words.index("mapped_count") + 1] == "peak 16 kB, end 16 kB, later 12 kB"


def test_what_no_page_fault_feels_is_not_in_the_price():
    told = measure("halves", "unmap_only", "percpu_ref", "mapped_count").verdicts()
    assert "local atomics" not in told["percpu_ref"] and "per-CPU adds" in told["percpu_ref"]
    assert "shared atomics" not in told["mapped_count"]
