"""The tree as text."""

from ptlab import Process


def test_the_text_tree_tells_counters_ranges_and_entries(small):
    text = str(small)
    assert "Linux 6.1 with pte_refcount" in text and "never merged" in " ".join(text.split())
    assert "VmPTE 16 kB (1 PUD + 1 PMD + 2 PTE pages), RSS 8 kB, 3 minor faults, 1 VMA" in text
    words = " ".join(text.split())
    assert "[0] PTE page 3 0x100000000000 - 0x1000001fffff 2 = 2 entries │ +" in words
    assert all(len(line) <= 80 for line in text.split("\n"))


def test_the_text_tree_of_an_empty_process():
    assert "0 PTE pages" in str(Process()) and "PGD page 0  0 entries" in str(Process())
