"""A trace file: what is written is read, and what is broken is refused with a reason."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlab.trace.file_format import BadTrace, check_rows, read_trace, write_trace
from ptlab.trace.rows import ROW, Op, Trace


def program(count):
    """A trace of a process that maps, touches and drops."""
    rows = np.zeros(count + 1, ROW)
    rows["op"] = [Op.EXEC, *([Op.MAP, Op.TOUCH, Op.ADVISE, Op.SAMPLE] * count)[:count]]
    rows["clock"] = np.arange(count + 1) * 1000
    rows["at"], rows["length"] = 0x7F0000000000, 4096
    rows["y"] = np.arange(count + 1)
    return Trace(rows, {"kernel": "6.18", "program": ["x"]})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    file = tmp_path_factory.mktemp("format") / "whole.trace"
    write_trace(program(40), file)
    return file.read_bytes()


@settings(max_examples=20)
@given(st.integers(0, 30), st.data())
def test_what_is_written_is_read(tmp_path_factory, count, data):
    trace = program(count)
    trace.rows["took"] = data.draw(
        st.lists(st.integers(0, 2**62), min_size=count + 1, max_size=count + 1)
    )
    file = tmp_path_factory.getbasetemp() / "roundtrip.trace"
    write_trace(trace, file)
    again = read_trace(file)
    assert (again.rows == trace.rows).all()
    assert again.about == trace.about


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_with_its_name(tmp_path_factory, whole, data):
    broken = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(broken))))
    file = tmp_path_factory.getbasetemp() / "damaged.trace"
    file.write_bytes(broken[:cut])
    try:
        check_rows(read_trace(file).rows, "again")
    except BadTrace as error:
        assert str(file) in str(error)


def test_a_cut_file_says_where(tmp_path, whole):
    file = tmp_path / "cut.trace"
    file.write_bytes(whole[:-20])
    with pytest.raises(BadTrace, match="the file is cut: column 'error' has"):
        read_trace(file)


def test_a_column_that_unpacks_to_more_than_its_rows_is_refused(tmp_path, whole):
    file = tmp_path / "bomb.trace"
    file.write_bytes(whole.replace(b'"rows": 41', b'"rows": 40'))
    with pytest.raises(BadTrace, match="column 'op' does not hold 40 numbers"):
        read_trace(file)


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("op", 99, "its op is not one of 1 to 18"),
        ("at", 1 << 58, "its at is above"),
        ("length", -1, "its length is below 0"),
        ("who", 3, "its process does not exist"),
        ("clock", -5, "its clock is below 0"),
    ],
)
def test_rows_that_cannot_be_played_are_refused(column, value, why):
    rows = program(8).rows
    rows[column][2] = value
    with pytest.raises(BadTrace, match=f"file: row 2: {why}"):
        check_rows(rows, "file")


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_trace(program(1), tmp_path / "no" / "folder.trace")
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(OSError, match="directory"):
        write_trace(program(1), target)
    assert list(tmp_path.iterdir()) == [target]
