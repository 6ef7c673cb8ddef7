"""Real processes: whatever they did, VmPTE is accounted for to the table."""

import os
import subprocess
import sys
import time

import pytest

from ptlab.observe import CannotObserve, observe

# A region of 64 MiB at a border of 2 MiB would fill 32 tables: so one of 66 MiB covers 32 whole.
_MAP = "kept.append(mmap.mmap(-1, 66 * MiB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))"
_EVERY_2_MIB = "[kept[-1].__setitem__(at, 1) for at in range(0, 66 * MiB, 2 * MiB)]"
_DROP = "[kept[-1].madvise(mmap.MADV_DONTNEED, at, 4096) for at in range(0, 66 * MiB, 2 * MiB)]"


def changed(child, *lines):
    """The account before and after the child runs these lines."""
    before = observe(child.pid)
    for line in lines:
        child(line)
    after = observe(child.pid)
    assert before.still
    assert after.still
    return before, after


def test_a_python_that_does_nothing_has_no_empty_table(child):
    seen = observe(child.pid)
    assert seen.still
    assert seen.empty == 0
    assert seen.vmpte_kb == 4 * seen.tables.total
    assert sum(seen.occupancy.values()) == len(seen.tables.pte)


def test_pages_dropped_one_by_one_leave_their_tables_empty(child):
    before, touched = changed(child, _MAP, _EVERY_2_MIB)
    assert touched.empty == 0
    assert len(touched.tables.pte) - len(before.tables.pte) in (32, 33)
    _, dropped = changed(child, _DROP)
    assert dropped.vmpte_kb == touched.vmpte_kb
    # A neighbour may share the first table and the last; the interpreter may give back one of its own.
    assert dropped.empty in range(31, 36)


def test_huge_pages_have_deposited_tables(child):
    before, after = changed(
        child, _MAP, "kept[-1].madvise(mmap.MADV_HUGEPAGE)", "kept[-1][:] = bytes(66 * MiB)"
    )
    if after.tables.deposited == before.tables.deposited:
        pytest.skip("this machine gives no huge page")
    assert after.empty == 0
    assert after.tables.deposited - before.tables.deposited in (32, 33)


@pytest.mark.parametrize(
    "lines",
    [
        ("kept.append(mmap.mmap(-1, 20 * MiB))", "kept[-1][::4096] = bytes(5120)"),
        (_MAP, "sum(kept[-1][at] for at in range(0, 66 * MiB, 4096))"),
        (_MAP, "kept[-1][::4096] = bytes(16896)", "kept[-1].madvise(mmap.MADV_DONTNEED)"),
        ("kept.append(open(sys.executable, 'rb').read())",),
        (
            "file = open(sys.executable, 'rb')",
            "kept.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))",
            "kept[-1][::4096]",
        ),
    ],
    ids=["shared memory", "zero pages", "all dropped", "heap", "file"],
)
def test_whatever_a_process_does_the_difference_is_sound(child, lines):
    _, after = changed(child, *lines)
    assert after.vmpte_kb // 4 >= after.tables.total
    if "DONTNEED" not in lines[-1]:
        assert after.empty == 0


def test_tables_of_device_memory_are_not_called_empty(child):
    """The ring of a perf event is VM_PFNMAP (since Linux 6.15), which pagemap passes over."""
    child("import ctypes, struct; attr = bytearray(128); libc = ctypes.CDLL(None)")
    child("struct.pack_into('IIQ24xQ', attr, 0, 1, 128, 2, 0x61)")  # software, page faults, exclude
    child("fd = libc.syscall(298, (ctypes.c_char * 128).from_buffer(attr), 0, -1, -1, 0)")
    before = observe(child.pid)
    child("kept.append(mmap.mmap(fd, 1025 * 4096) if fd >= 0 else None)")
    after = observe(child.pid)
    maps = [one for one in after.mappings if "perf_event" in one.mapping.name]
    if not maps or maps[0].pages:
        pytest.skip("no perf events here, or their ring is no device memory")
    assert after.spread[0] == before.spread[0] == 0
    assert after.empty > before.empty  # 4 MiB need a table of their own, if not two
    assert f"a bound: {after.empty} of them may serve device memory" in str(after)


def test_of_oneself(can_observe):
    seen = observe()
    assert seen.pid == os.getpid()
    assert seen.vmpte_kb // 4 >= seen.tables.total
    assert f"process {seen.pid}" in str(seen)
    assert "<table>" in seen._repr_html_()


def test_the_simulator_has_the_same_tables(child):
    child(_MAP)
    child(_EVERY_2_MIB)
    seen = observe(child.pid)
    process = seen.process()
    process.check()
    assert process.counters.vmpte_kb == seen.vmpte_kb
    assert process.counters.pte == len(seen.tables.pte) + seen.tables.deposited


def test_a_process_that_has_ended_a_zombie_and_none(child):
    child.process.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(CannotObserve, match=f"process {child.pid} .*has ended \\(a zombie\\)"):
        observe(child.pid)
    child.process.wait()
    with pytest.raises(CannotObserve, match="there is none"):
        observe(child.pid)


@pytest.mark.parametrize(("pid", "error"), [(0, ValueError), (-3, ValueError), ("1", TypeError)])
def test_what_is_no_number_of_a_process(can_observe, pid, error):
    with pytest.raises(error, match="pid"):
        observe(pid)


def as_nobody(look):
    """What a process of another user is told; as root, another user is a fork that gave root up."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    reader, writer = os.pipe()
    if not os.fork():
        try:
            os.setgroups([])
            os.setuid(65534)
            look()
        except CannotObserve as reason:
            os.write(writer, str(reason).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.wait()
    with os.fdopen(reader) as said:
        return said.read()


def test_another_users_process_is_named_with_its_user(child):
    said = as_nobody(lambda: observe(child.pid))
    assert f"process {child.pid} (" in said
    assert "belongs to user root: only root may look at it" in said


def test_a_process_that_protects_itself_is_not_called_anothers(child):
    child("import ctypes, os")
    if not os.geteuid():
        child("os.setgroups([]); os.setuid(65534)")
    child("ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)")  # PR_SET_DUMPABLE
    if os.geteuid():
        with pytest.raises(CannotObserve, match="protects itself: it is not dumpable"):
            observe(child.pid)
    else:
        assert "protects itself: it is not dumpable" in as_nobody(lambda: observe(child.pid))


_EXECS = """
import os, sys
n = int(sys.argv[1])
if n < 10000:
    os.execv(sys.executable, [*sys.orig_argv[:-1], str(n + 1)])
"""


def test_a_process_that_starts_new_programs_meanwhile_is_observed_or_said_to(can_observe):
    with subprocess.Popen([sys.executable, "-S", "-E", "-c", _EXECS, "0"]) as process:
        time.sleep(0.1)
        said = set()
        for _ in range(15):
            try:
                seen = observe(process.pid)
                said.add("seen")
                assert seen.vmpte_kb // 4 >= seen.tables.total or not seen.still
            except CannotObserve as reason:
                said.add(str(reason).partition(")")[2])
        process.kill()
    assert said <= {"seen", " starts a new program (exec) each time it is looked at: try again"}
