"""The text of strace as a trace: calls and threads are understood, and what is not is counted."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab.trace.file_format import check_rows
from ptlab.trace.replay import replay
from ptlab.trace.rows import Op
from ptlab.trace.strace import is_strace, read_strace

MiB = 1 << 20

TEXT = """\
100 17.000100 execve("/bin/server", ["server"], 0x7ffe /* 20 vars */) = 0
100 17.000200 brk(NULL) = 0x555000000000
100 17.000300 brk(0x555000021000) = 0x555000021000
100 17.000400 mmap(NULL, 16777216, PROT_READ|PROT_WRITE, MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
100 17.000500 clone3({flags=CLONE_VM|CLONE_THREAD, stack=0x7f1, stack_size=0x7fff80}, 88) = 101
101 17.000600 madvise(0x7f0000000000, 8388608, MADV_DONTNEED <unfinished ...>
100 17.000700 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</lib/x>, 0) = -1 ENODEV (No)
101 17.000800 <... madvise resumed>) = 0
101 17.000900 mremap(0x7f0000000000, 4096, {weird}) = 0x7f0000000000
101 17.001000 exit(0) = ?
101 17.001100 +++ exited with 0 +++
100 17.001200 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD) = 102
102 17.001300 munmap(0x7f0000000000, 16777216) = 0
102 17.001400 +++ killed by SIGKILL +++
100 17.001500 exit_group(0) = ?
100 17.001600 +++ exited with 0 +++
"""


def test_calls_threads_and_children_become_rows():
    trace = read_strace(TEXT)
    seen = [(Op(row["op"]).name, int(row["who"])) for row in trace.rows]
    assert seen == [
        *[("EXEC", 0), ("MAP", 0), ("TOUCH", 0), ("MAP", 0), ("TOUCH", 0)],
        *[("ADVISE", 0), ("UNKNOWN", 0), ("FORK", 0), ("UNMAP", 1), ("EXIT", 1), ("EXIT", 0)],
    ]
    advice = trace.rows[5]
    assert (advice["at"], advice["length"], advice["x"]) == (0x7F0000000000, 8 * MiB, 4)
    assert advice["clock"] == 700_000  # 0.7 ms after the first line
    assert trace.program == "/bin/server"


def test_the_replay_gives_bounds(tmp_path):
    file = tmp_path / "server.strace"
    file.write_text(TEXT)
    played = replay(file, "unmap_only", "pt_reclaim", parallel=False)
    none, reclaim = played.objects()
    # PT_RECLAIM frees 4 of the 8 PTE pages before the fork, and a child gets a copy of what is left.
    assert (none["peak_kb"], reclaim["peak_kb"]) == (2 * 52, 2 * 36)
    assert (none["end_kb"], reclaim["end_kb"]) == (52, 36)
    assert none["peak_least_kb"] == 0
    assert none["not_played"] == {"UNKNOWN: mremap": 1}
    assert "at most 0 to" in " ".join(str(played).split())


def test_other_text_is_not_taken_for_strace():
    assert not is_strace("hello\n1700000000.1 brk(NULL) = 0")
    assert is_strace("[pid 7] 1700000000.1 brk(NULL) = 0x5")


@settings(max_examples=60)
@given(st.data())
def test_damaged_text_gives_rows_that_can_be_played(data):
    text = list(TEXT)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] = data.draw(st.sampled_from("0 9xf(|,=-]\n"))
    rows = read_strace("".join(text)).rows
    assert np.isin(rows["op"], list(Op)).all()
    check_rows(rows, "damaged")
