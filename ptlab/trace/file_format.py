"""A trace in a file, version 1: packed columns of whole numbers, and nothing that is run.

    ptlab trace 1\\n
    {"kernel": "6.18.44", "program": ["sh", ...], "rows": 1234, "columns": [["clock", 567], ...]}\\n
    the columns, one after another, each of as many bytes as the line says

A column is a stream of xz. Unpacked it is 8 planes of `rows` bytes: first the lowest byte of every
number, last the highest. The numbers are differences (the first one from 0) of signed 64-bit
numbers. The rows are sorted by `op`, in their own order among equals, except the column `op` itself,
which comes first and is in the order of the trace.
"""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ptlab.trace.calls import MAX_ADDRESS
from ptlab.trace.rows import COLUMNS, ROW, Op, Trace

MAGIC = b"ptlab trace 1\n"
MAX_ROWS = 50_000_000
MAX_LINE = 1 << 16
_ORDER = ("op", *(name for name in COLUMNS if name != "op"))
_XZ: Any = {"format": lzma.FORMAT_XZ, "check": lzma.CHECK_CRC32}
_MEMORY = 1 << 27  # bytes that a decoder may take


class BadTrace(ValueError):
    """The file is no trace, or a broken one; the message says where and why."""


def write_trace(trace: Trace, path: str | Path) -> None:
    """Write a trace. The file is there when it is whole, and not before."""
    order = np.argsort(trace.rows["op"], kind="stable")
    packed = []
    for name in _ORDER:
        column = trace.rows[name] if name == "op" else trace.rows[name][order]
        planes = np.diff(column, prepend=np.int64(0)).astype("<i8").view("u1").reshape(-1, 8).T
        packed.append(lzma.compress(planes.tobytes(), **_XZ, preset=6))
    sizes = [[name, len(data)] for name, data in zip(_ORDER, packed, strict=True)]
    line = json.dumps({**trace.about, "rows": len(trace.rows), "columns": sizes})
    part = Path(f"{path}.part")
    try:
        part.write_bytes(b"".join([MAGIC, line.encode(), b"\n", *packed]))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_trace(path: str | Path) -> Trace:
    """Read a trace and check it. BadTrace says what is wrong; OSError: no such file."""
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise BadTrace(
                f"{path}: this is no trace: its first line is not {MAGIC.decode()[:-1]!r}"
            )
        about = _about(path, file)
        rows = np.zeros(about.pop("rows"), ROW)
        columns = dict(about.pop("columns"))
        order = None
        for name in _ORDER:
            column = _column(path, name, file.read(columns[name]), columns[name], len(rows))
            if order is None:
                rows[name], order = column, np.argsort(column, kind="stable")
            else:
                rows[name][order] = column
        if file.read(1):
            raise BadTrace(f"{path}: there are more bytes than the columns have")
    check_rows(rows, str(path))
    return Trace(rows, about)


def _about(path: str | Path, file: BinaryIO) -> dict[str, Any]:
    line = file.readline(MAX_LINE)
    try:
        about = json.loads(line)
    except ValueError:
        raise BadTrace(f"{path}: its second line is not JSON of at most {MAX_LINE} bytes") from None
    if not isinstance(about, dict) or not line.endswith(b"\n"):
        raise BadTrace(f"{path}: its second line must be one JSON object")
    rows, columns = about.get("rows"), about.get("columns")
    if type(rows) is not int or not 0 <= rows <= MAX_ROWS:
        raise BadTrace(f'{path}: "rows" is {rows!r}; it must be a number from 0 to {MAX_ROWS}')
    right = (
        isinstance(columns, list)
        and all(isinstance(one, list) and len(one) == 2 for one in columns)
        and [one[0] for one in columns] == list(_ORDER)
        and all(type(size) is int and 0 < size <= 8 * rows + 4096 for _, size in columns)
    )
    if not right:
        raise BadTrace(
            f'{path}: "columns" must be {", ".join(_ORDER)}, each with its size in bytes'
        )
    return about


def _column(path: str | Path, name: str, data: bytes, size: int, rows: int) -> NDArray[np.int64]:
    if len(data) < size:
        raise BadTrace(f"{path}: the file is cut: column {name!r} has {len(data)} of {size} bytes")
    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
    try:
        raw = decoder.decompress(data, max_length=rows * 8 + 1)
    except lzma.LZMAError as error:
        raise BadTrace(f"{path}: column {name!r} is broken: {error}") from None
    if len(raw) != rows * 8 or not decoder.eof or decoder.unused_data:
        raise BadTrace(f"{path}: column {name!r} does not hold {rows} numbers")
    planes = np.frombuffer(raw, "u1").reshape(8, rows)
    return np.cumsum(np.ascontiguousarray(planes.T).view("<i8").ravel(), dtype=np.int64)


def check_rows(rows: NDArray[np.void], path: str) -> None:
    """BadTrace unless the rows can be played: known ops, addresses in bounds, processes that exist."""

    def refuse(wrong: NDArray[np.bool_], why: str) -> None:
        if wrong.any():
            raise BadTrace(f"{path}: row {int(np.argmax(wrong))}: {why}")

    op, number = rows["op"], np.arange(len(rows), dtype=np.int64)
    refuse(~np.isin(op, list(Op)), f"its op is not one of 1 to {max(Op)}")
    for name in ("clock", "took", "at", "length", "z", "file", "error"):
        refuse(rows[name] < 0, f"its {name} is below 0")
    for name in ("at", "length", "z"):
        refuse(rows[name] > MAX_ADDRESS, f"its {name} is above 2^56")
    refuse((rows["at"] + rows["length"]) > MAX_ADDRESS, "it ends above 2^56")
    refuse(rows["file"] > MAX_ROWS, "its file has no such number")
    sizes = np.isin(op, (Op.REMAP, Op.RESIZE, Op.SAMPLE))
    refuse(sizes & ((rows["x"] < 0) | (rows["x"] > MAX_ADDRESS)), "its x is out of bounds")
    of_file = np.isin(op, (Op.RESIZE, Op.PUNCH, Op.ALLOCATE))
    refuse(of_file & (rows["file"] == 0), "it names no file")
    bracket = (rows["y"] < number) | (rows["y"] >= len(rows))
    refuse((op == Op.SAMPLE) & bracket, "its sample ends before it, or after the last row")
    refuse(~_alive(rows), "its process does not exist at this time")


def _alive(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    """For each row whether its process exists; a child must be new, and an EXEC too."""
    alive: set[int] = set()
    seen: set[int] = set()
    good = np.ones(len(rows), bool)
    births = np.isin(rows["op"], (Op.FORK, Op.EXEC, Op.EXIT))
    changed = np.flatnonzero(births)
    last = 0
    for at in [*changed.tolist(), len(rows)]:
        between = rows["who"][last:at]
        good[last:at] = np.isin(between, list(alive))
        if at == len(rows):
            break
        who, op, child = (int(rows[name][at]) for name in ("who", "op", "x"))
        born = who if op == Op.EXEC else child
        if op == Op.EXIT:
            good[at] = who in alive
            alive.discard(who)
        else:
            good[at] = born not in seen and born >= 0 and (op == Op.EXEC or who in alive)
            alive.add(born)
            seen.add(born)
        last = at + 1
    return good
