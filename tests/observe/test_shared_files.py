"""What a file costs all processes that map it, together."""

import numpy as np

from ptlab.observe.every_process import SharedFile, shared_files
from ptlab.observe.mapped import Mapped
from ptlab.observe.mappings import mappings
from ptlab.observe.observation import Observation
from ptlab.observe.pagemap import FILE, PRESENT, RUN
from ptlab.observe.tables import tables

MiB, GiB = 1 << 20, 1 << 30
BUFFERS = "/dev/shm/buffers"


def process(pid, start, length, touched, name=BUFFERS, inode=2):
    """A process with one mapping, of which the first `touched` bytes have entries."""
    (one,) = mappings(f"{start:x}-{start + length:x} rw-s 00000000 00:19 {inode} {name}\n")
    runs = np.array([(start, start + touched, PRESENT | FILE)] if touched else [], RUN)
    none = np.zeros(len(runs), np.int64)
    mapped = (Mapped(one, runs, none),)
    return Observation(pid, "postgres", 0, tables(runs, none), True, (0, 0), mapped)


def test_backends_that_share_memory():
    backends = [process(pid, GiB, 64 * MiB, 20 * MiB) for pid in range(10, 15)]
    (found,) = shared_files(backends)
    assert found == SharedFile(BUFFERS, 5, pte_pages=50, most=160, huge=50)
    assert found.sentence == (
        "5 processes map /dev/shm/buffers: 200 kB of tables together, and 640 kB if each uses all "
        "that it maps. Huge pages would save 200 kB."
    )


def test_a_table_that_serves_something_else_too_stays_with_huge_pages():
    (found,) = shared_files([process(n, GiB + MiB, 4 * MiB, 4 * MiB) for n in (1, 2)])
    assert (found.pte_pages, found.most, found.huge) == (6, 6, 2)
    (small,) = shared_files([process(n, GiB, MiB, MiB) for n in (1, 2)])
    assert "Huge pages" not in small.sentence


def test_a_file_of_one_process_and_one_that_nobody_uses_are_left_out():
    alone = process(1, GiB, MiB, MiB, "/a")
    unused = [process(n, GiB, MiB, 0, "/b") for n in (2, 3)]
    assert shared_files([alone, *unused]) == []


def test_two_files_of_one_name_are_not_one():
    """As /memfd:heap (deleted) of two programs that have nothing to do with each other."""
    assert shared_files([process(n, GiB, MiB, MiB, "/memfd:heap", inode=n) for n in (1, 2)]) == []
