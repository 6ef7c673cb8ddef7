"""The text of maps and smaps, as the kernel prints it."""

import pytest

from ptlab.observe.mappings import Kind, hugetlb_pages, mappings

LINE = "7f0000000000-7f0000200000 rw-p 00000000 {} {}"


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        ("00:00 0", Kind.ANONYMOUS),
        ("00:00 0                          [heap]", Kind.ANONYMOUS),
        ("00:00 0                          [anon:cache]", Kind.ANONYMOUS),
        ("fe:00 131                        /usr/lib/a file (deleted)", Kind.FILE),
        ("00:01 1027                       /memfd:heap (deleted)", Kind.SHARED),
        ("00:01 5                          /dev/zero (deleted)", Kind.SHARED),
        ("00:19 2                          /dev/shm/buffers", Kind.SHARED),
        ("00:01 32769                      /SYSV00000000 (deleted)", Kind.SHARED),
        ("00:05 9                          /dev/dri/card0", Kind.DEVICE),
        ("00:0e 10                         anon_inode:[io_uring]", Kind.DEVICE),
        ("00:00 0                          [vdso]", Kind.SPECIAL),
        ("00:00 0                          [vvar]", Kind.SPECIAL),
    ],
)
def test_kinds(tail, kind):
    (found,) = mappings(f"7f0000000000-7f0000200000 rw-p 00000000 {tail}\n")
    assert (found.start, found.end, found.rights, found.kind) == (
        *(0x7F0000000000, 0x7F0000200000, "rw-p"),
        kind,
    )
    assert found.name == tail.split(" ", 2)[2].strip() if kind is not Kind.ANONYMOUS else True


def test_the_vsyscall_page_is_in_no_process():
    assert mappings("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n") == []


def test_hugetlb_mappings_and_their_page_size():
    smaps = """\
7f0000000000-7f0040000000 rw-p 00000000 00:10 7 /anon_hugepage (deleted)
Size:            1048576 kB
KernelPageSize:  1048576 kB
VmFlags: rd wr mr mw me ht sd
7f0080000000-7f0080200000 rw-p 00000000 00:00 0
KernelPageSize:        4 kB
VmFlags: rd wr mr mw me ac sd
"""
    assert hugetlb_pages(smaps) == {0x7F0000000000: 1 << 30}
