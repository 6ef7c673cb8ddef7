"""What the measurements say: a verdict in words for each design, and tables of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Generic, NamedTuple, TypeVar

from ptlab.costs.measurement import Measurement
from ptlab.costs.memory_time import FAULT_US
from ptlab.costs.meter import Costs
from ptlab.draw.chart import number

T = TypeVar("T")


def verdict(m: Measurement, base: Measurement) -> str:
    """What the design saves compared with `base`, and what more it costs, in words."""
    if m.unsupported:
        return f"Not judged: the simulator does not model {m.unsupported!r} yet."
    if m is base:
        role = (
            "The measure for the others" if m.costs.tables_freed else "Frees nothing before munmap"
        )
        return f"{role}: {kb(m.peak_kb)} at the peak, {kb(m.end_kb)} at the end."
    return f"{_saved(m, base)} {price(m.costs, base.costs)}"


def _saved(m: Measurement, base: Measurement) -> str:
    if m.end_kb >= base.end_kb and m.peak_kb >= base.peak_kb:
        if m.mean_kb < 0.99 * base.mean_kb:
            means = f"{kb(round(m.mean_kb))} instead of {kb(round(base.mean_kb))}"
            return f"Saves for a while only: {means} on average."
        against = f"; {base.scheme} keeps {kb(base.end_kb)}" if m.end_kb > base.end_kb else ""
        return f"Saves nothing: {kb(m.end_kb)} at the end{against}."
    peak = f"; peak {kb(m.peak_kb)} of {kb(base.peak_kb)}" if m.peak_kb < base.peak_kb else ""
    if m.end_kb < m.before_background_kb == base.before_background_kb:
        both = f"{kb(m.before_background_kb)} to {kb(m.end_kb)}"
        return f"Frees only in the background, {both}{peak}."
    if m.end_kb >= base.end_kb:
        end = "Same end" if m.end_kb == base.end_kb else f"More at the end than {base.scheme}"
        return f"{end}, {kb(m.end_kb)}{peak}."
    share = 100 * (base.end_kb - m.end_kb) / base.end_kb
    return f"Frees {share:.3g} % of what {base.scheme} keeps, down to {kb(m.end_kb)}{peak}."


def price(costs: Costs, base: Costs) -> str:
    """What a design costs more than `base`, in words.

    Only what differs by 0.05 or more per page fault, and any difference in locks and waits.
    """
    parts = []
    for count, noun in (
        ("atomics_local", "local atomics"),
        ("atomics_shared", "shared atomics"),
        ("percpu_adds", "per-CPU adds"),
        ("scanned", "entries scanned"),
    ):
        more = costs.per_fault(count) - base.per_fault(count)
        if abs(more) >= 0.05:
            parts.append(f"{'+' if more > 0 else ''}{short(more)} {noun}")
    words = f"For each page fault: {', '.join(parts)}." if parts else ""
    built, usual = costs.tables_allocated, base.tables_allocated
    if built != usual:
        words += f" Builds {_count(built, 'table')} instead of {number(usual)}."
    writes = costs.locks["mmap_lock write"] - base.locks["mmap_lock write"]
    if writes:
        than_base = "more" if writes > 0 else "less"
        words += f" Takes mmap_lock for write {_count(abs(writes), 'time')} {than_base}."
    if costs.grace_waits:
        words += f" Waits for a grace period {_count(costs.grace_waits, 'time')}."
    return words.strip() or "It has no cost that is counted here."


def kb(value: int) -> str:
    """A size in kB."""
    return f"{number(value)} kB"


def _count(n: int, what: str) -> str:
    return f"{number(n)} {what if n == 1 else what + 's'}"


def short(value: float) -> str:
    """Three significant digits, without an exponent.

    >>> short(3.0123), short(1063.2), short(0.00012)
    ('3.01', '1\u202f063', '0')
    """
    return number(round(value)) if abs(value) >= 1000 else f"{round(value, 3):.3g}"


class Column(NamedTuple, Generic[T]):
    """A column of the tables: its heading in short words, and the cell of one design."""

    heading: str
    cell: Callable[[T], str]


def _per_fault(count: str) -> Callable[[Costs], str]:
    return lambda costs: short(costs.per_fault(count))


MEMORY: tuple[Column[Measurement], ...] = (
    Column("peak kB", lambda m: number(m.peak_kb)),
    Column("mean kB", lambda m: number(round(m.mean_kb))),
    Column("end kB", lambda m: number(m.end_kb)),
    Column("PUD", lambda m: number(m.pud)),
    Column("PMD", lambda m: number(m.pmd)),
    Column("PTE", lambda m: number(m.pte)),
)
"""VmPTE, and the tables that are left at the end."""

MEMORY_NOTE = (
    f"Page faults are the clock: the mean is over page faults. One page fault, with its share of the "
    f"zap, took {FAULT_US:.2f} us on Linux 6.18. Between two page faults no time passes. Where a "
    "program forks, all its processes are counted together."
)

PRICE: tuple[Column[Costs], ...] = (
    Column("tables built", lambda costs: number(costs.tables_allocated)),
    Column("tables freed", lambda costs: number(costs.tables_freed)),
    Column("local atomics", _per_fault("atomics_local")),
    Column("shared atomics", _per_fault("atomics_shared")),
    Column("per-CPU adds", _per_fault("percpu_adds")),
    Column("entries scanned", _per_fault("scanned")),
    Column("TLB flushes", lambda costs: number(costs.flushes)),
    Column("grace waits", lambda costs: number(costs.grace_waits)),
)
"""What the run took."""


def locks(measured: Sequence[Measurement]) -> tuple[Column[Costs], ...]:
    """A column for each lock and mode that any of the designs took: how often."""
    names = sorted({name for m in measured for name in m.costs.locks})
    return tuple(Column(name, _taken(name)) for name in names)


def _taken(name: str) -> Callable[[Costs], str]:
    return lambda costs: number(costs.locks[name])


PRICE_NOTE = (
    "Atomics, adds and scanned entries are per page fault, the rest in all. Local: in the cache "
    "line of the PTE page itself. Shared: in a line that all CPUs use. A grace wait lasts until no "
    "CPU uses the table any more, which takes milliseconds."
)


def as_html(measured: Sequence[Measurement], verdicts: dict[str, str]) -> str:
    """The verdicts and all tables."""
    words = [[m.scheme, verdicts[m.scheme], m.fate] for m in measured]
    memory = [(m.scheme, m) for m in measured]
    costs = [(m.scheme, m.costs) for m in measured]
    return (
        f"{_table('The verdicts', ['design', 'verdict', 'history, or Linux?'], words, 'left')}"
        f"{_numbers('VmPTE, and the tables at the end', MEMORY, memory)}"
        f"<p>{escape(MEMORY_NOTE)}</p>"
        f"{_numbers('What it took', PRICE, costs)}<p>{escape(PRICE_NOTE)}</p>"
        f"{_numbers('How often which lock was taken', locks(measured), costs)}"
    )


def _numbers(caption: str, columns: tuple[Column[T], ...], designs: Sequence[tuple[str, T]]) -> str:
    rows = [[name, *(column.cell(one) for column in columns)] for name, one in designs]
    return _table(caption, ["design", *(column.heading for column in columns)], rows, "right")


def _table(caption: str, headings: list[str], rows: list[list[str]], align: str) -> str:
    """Each cell has its own style: JupyterLab aligns the cells of a table, not the table."""
    left, aligned = "style='text-align:left'", f"style='text-align:{align}'"
    head = "".join(
        f"<th scope='col' {aligned if i else left}>{escape(heading)}</th>"
        for i, heading in enumerate(headings)
    )
    body = "".join(
        f"<tr data-design='{escape(row[0])}'><th scope='row' {left}>{escape(row[0])}</th>"
        + "".join(f"<td {aligned}>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    # In a narrow window the table scrolls by itself; the keyboard can reach it.
    return (
        f"<div style='overflow:auto;margin:8px 0 16px' tabindex='0' role='group' "
        f"aria-label='{escape(caption)}'><table><caption {left}><b>{escape(caption)}</b></caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
