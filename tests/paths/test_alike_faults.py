"""Faults on a file's pages, many at once: the same entries, counters and costs as one by one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ptlab import GiB, KiB, MiB, Process, TiB
from ptlab.costs.meter import Meter
from tests.support.snapshot import check_all, outcome
from tests.support.strategies import rows

size = st.integers(1, 1600) | st.sampled_from([16, 40, 511, 512, 1024, 1536])
few = st.integers(0, 40)
strides = st.sampled_from([1, 1, 1, 2, 3, 8, 16, 17, 512])


@st.composite
def file_programs(draw):
    """A file with holes and blank pages, mapped somewhere, also behind its end, and accessed."""
    kind = draw(st.sampled_from(["", " filled", " disk filled"]))
    pages = draw(size)
    program = [f"file f {pages * 4}K{kind}"]
    if "disk" not in kind:
        for op in draw(st.lists(st.sampled_from(["punch", "alloc"]), max_size=3)):
            program.append(f"{op} f {draw(size) % pages * 4}K {draw(few) * 4 + 4}K")
    name, offset, start = draw(st.sampled_from(["file", "pfile"])), draw(few), draw(few)
    mapped = draw(size)
    program.append(f"mmap s0+{start * 4}K {mapped * 4}K {name}:f:{offset * 4}K")
    for _ in range(8):
        first = draw(few | size) % mapped
        length = draw(st.just(1600) | size)
        where = f"s0+{(start + first) * 4}K {min(length, mapped - first) * 4}K"
        program.append(f"touch {draw(st.sampled_from('rw'))} {where} {draw(strides) * 4}K")
        again = f"s0+{(start + draw(few) % mapped) * 4}K {draw(few) * 4 + 4}K"
        whole = f"s0+{start * 4}K {mapped * 4}K"
        program.append(f"madvise DONTNEED {draw(st.sampled_from([whole, again]))}")
    return "\n".join(program)


def played(program, scheme, grain):
    process = Process(scheme, kernel="6.18", grain=grain, record=False)
    meter = Meter(process)
    told = rows(process, program)
    check_all(process)
    return told, outcome(process), meter.finish().as_dict()


@example("file f 8M filled\nmmap s0 4128K file:f:0\ntouch r s0 4128K 2M", "pt_reclaim")
@given(program=file_programs(), scheme=st.sampled_from(["pt_reclaim", "pte_refcount"]))
def test_many_faults_at_once_are_the_same_as_one_by_one(program, scheme):
    one_by_one = played(program, scheme, "entry")
    assert played(program, scheme, "table") == one_by_one
    assert played(program, scheme, "range") == one_by_one


@pytest.mark.parametrize(
    ("kind", "shared", "write", "fn", "faults"),
    [
        ("memfd", True, True, "finish_fault", 16384),
        ("disk", False, False, "filemap_map_pages", 1024),
        ("disk", False, True, "do_cow_fault", 16384),
    ],
)
def test_a_run_of_tables_is_one_step(kind, shared, write, fn, faults):
    p = Process("unmap_only", grain="range")
    file = p.file(64 * MiB, kind, filled=kind == "disk")
    p.touch(p.mmap(64 * MiB, at=16 * TiB, file=file, shared=shared), 64 * MiB, write=write)
    assert [step.n for step in p.journal.steps if step.fn == fn] == [16384]
    assert p.counters.minflt == faults


def test_a_large_file_that_nobody_reads_is_not_looked_at():
    p = Process()
    file = p.file(TiB)
    where = p.mmap(TiB, file=file, shared=True)
    p.touch(where + 700 * GiB, 4 * KiB)
    p.check()
    assert file.cached(0, file.pages).tolist() == [700 << 18]
    p.truncate(file, 0)
    assert file.cached(0, 1 << 28).tolist() == []
