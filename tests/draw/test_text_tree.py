"""The tree as text."""

from ptlab import Process
from ptlab.draw.tree import tree


def test_the_text_tree_tells_counters_ranges_and_entries(small):
    text = str(small)
    assert "Linux 6.1 with pte_refcount" in text and "never merged" in " ".join(text.split())
    assert "VmPTE 16 kB (1 PUD + 1 PMD + 2 PTE pages), RSS 8 kB, 3 minor faults, 1 VMA" in text
    words = " ".join(text.split())
    assert "[0] PTE page 3 0x100000000000 - 0x1000001fffff 2 = 2 entries │ +" in words
    assert all(len(line) <= 80 for line in text.split("\n"))


def test_the_text_tree_of_an_empty_process():
    assert "0 PTE pages" in str(Process()) and "PGD page 0  0 entries" in str(Process())


def test_a_table_that_two_processes_share_is_named_below_both():
    parent = Process("pt_reclaim")
    parent.hugepages(4)
    file = parent.file(1 << 30, hugetlb=2 << 20)
    area = parent.mmap(1 << 30, at=1 << 44, file=file, shared=True, noreserve=True)
    parent.touch(area, 1)
    child = parent.fork()
    child.touch(area, 1)
    assert "[0] PMD page 2  0x100000000000 - 0x10003fffffff  1 entry, shared" in str(parent)
    assert str(child).splitlines()[-1].strip("└─ ") == (
        "[0] PMD page 2, shared: it is below PUD page 1"
    )
    for process, above in ((parent, 1), (child, 4)):
        drawn = str(tree(process.mm))
        assert "1 entry, shared" in drawn and f"n{above} -> n2 " in drawn
    child.munmap(area)
    assert "shared" not in str(parent) + str(child) + str(tree(child.mm))
