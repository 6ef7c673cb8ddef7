"""The constants of ptlab.costs.contention on this machine, and the mail's multi-fault table with them.

python -m benchmarks.contention

Atomics and scans are timed in loops of a few x86-64 instructions that are put into an executable
page, because a Python call costs a hundred times as much as one atomic. Page faults are timed on the
kernel of this machine.
"""

import ctypes
import mmap
import os
import platform
import sys
import threading
from collections.abc import Callable
from statistics import median
from time import perf_counter_ns

import numpy as np

from benchmarks.measure import machine, spread
from ptlab import SCHEMES
from ptlab.costs.contention import (
    Constants,
    change,
    fit,
    mail_table,
    ratio_from_which_rwsem_loses,
    sensitivity,
)
from ptlab.costs.long_walks import WALKS, tables_from_which_rwsem_wins

ROUNDS = 7
LOOPS = 20_000_000
MiB2 = 2 << 20

# In a loop rdi is an address and rsi how often to go round (the calling convention of Linux).


def loop(body: str) -> bytes:
    """Machine code: `body`, then count down and go on, then return."""
    code = bytes.fromhex(body) + bytes.fromhex("48ffce")  # dec rsi
    back = (256 - len(code) - 2) & 255
    return code + bytes([0x75, back, 0xC3])  # jnz; ret


LOCK_INC = "f048ff07"  # lock inc qword [rdi]
INC = "48ff07"  # inc qword [rdi]
SCAN = "48833f00 4883c708"  # cmp qword [rdi], 0; add rdi, 8


def compiled(code: bytes) -> Callable[[int, int], None]:
    """A function of (address, how many) that runs `code`, without Python's global lock."""
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t)(address)
    function.page = page  # type: ignore[attr-defined]
    return function


def each(run: Callable[[], None], times: int) -> float:
    """Nanoseconds for one of `times` things that `run` does."""
    start = perf_counter_ns()
    run()
    return (perf_counter_ns() - start) / times


def single(body: str) -> list[float]:
    """Nanoseconds for each turn of a loop on a cache line that no other CPU uses."""
    function, line = compiled(loop(body)), np.zeros(8, np.int64)
    return [each(lambda: function(line.ctypes.data, LOOPS), LOOPS) for _ in range(ROUNDS)]


def scan() -> list[float]:
    """Nanoseconds for each entry of a table that is read over and over, from the cache."""
    function, entries = compiled(loop(SCAN)), np.zeros(512 * 8, np.int64)
    address, turns = entries.ctypes.data, range(20_000)

    def run(tables: int) -> None:
        for _ in turns:
            function(address, 512 * tables)

    # eight tables (they fit the first cache) less one: the cost of the call itself cancels out
    return [
        (each(lambda: run(8), 1) - each(lambda: run(1), 1)) / (len(turns) * 512 * 7)
        for _ in range(ROUNDS)
    ]


def contended() -> list[float]:
    """Nanoseconds for each atomic of two CPUs that change the same line all the time."""
    function, line = compiled(loop(LOCK_INC)), np.zeros(8, np.int64)
    turns = LOOPS // 4
    cpus = sorted(os.sched_getaffinity(0))[:2]

    def work(cpu: int, start: threading.Barrier) -> None:
        os.sched_setaffinity(threading.get_native_id(), {cpu})
        start.wait()
        function(line.ctypes.data, turns)

    def run() -> None:
        start = threading.Barrier(len(cpus))
        threads = [threading.Thread(target=work, args=(cpu, start)) for cpu in cpus]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return [each(run, turns * len(cpus)) for _ in range(ROUNDS)]


def faults() -> tuple[list[float], list[float]]:
    """Nanoseconds for each page fault, and for each page's share of the MADV_DONTNEED after it."""
    area = mmap.mmap(-1, 2 * MiB2, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    area.madvise(15)  # MADV_NOHUGEPAGE, include/uapi/asm-generic/mman-common.h
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    first = -address % MiB2
    pages = np.frombuffer(area, np.uint8)[first : first + MiB2 : 4096]
    touched, dropped = [], []
    for _ in range(ROUNDS * 20):
        touched.append(each(lambda: pages.fill(1), 512))
        dropped.append(each(lambda: area.madvise(mmap.MADV_DONTNEED, first, MiB2), 512))
    size = len(touched) // ROUNDS
    parts = [slice(i * size, (i + 1) * size) for i in range(ROUNDS)]
    return [median(touched[p]) for p in parts], [median(dropped[p]) for p in parts]


def main() -> None:
    """Print each constant, measured and in the model; then the predictions of the model."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        print("contention: needs Linux on x86-64")
        return
    used = Constants()
    fault, zap = faults()
    rows = [
        ("local_atomic", single(LOCK_INC), "lock inc, one CPU"),
        ("percpu_add", single(INC), "inc without lock"),
        ("scanned_entry", scan(), "an entry of 512 in the cache"),
        ("fault", fault, "a page fault, one CPU; the model has the mail's machine"),
        ("zap", zap, "a page's share of DONTNEED; the model has the mail's machine"),
    ]
    if len(os.sched_getaffinity(0)) > 1:
        label = "an atomic, two CPUs on one line; the model has the mail's machine"
        rows.insert(2, ("hand_over", contended(), label))
    print(f"constants in ns, {ROUNDS} rounds: median (least to most), and what the model uses")
    for name, values, what in rows:
        print(f"{name:15}{spread(values, '.2f'):28}{getattr(used, name):8.2f}   {what}")
    fitted = fit()
    print(
        f"fitted to the mail's column before the series: hand_over {fitted.hand_over:.0f}, "
        f"fault {fitted.fault:.0f}, zap {fitted.zap:.0f}"
    )
    print("\nmulti-fault of the mail: page faults a minute before, and the change by the series")
    for row in mail_table():
        print(
            f"{row.cpus:3} CPUs  {row.before:>12,} (model {row.predicted_before:>13,.0f})  "
            f"{row.measured:+.2f} % (model {row.predicted:+.2f} %)"
        )
    print("\nchange against unmap_only in %, by CPUs")
    counts = (1, 2, 4, 8, 16, 32, 64)
    print(f"{'':14}" + "".join(f"{n:8}" for n in counts))
    for scheme in SCHEMES:
        print(f"{scheme:14}" + "".join(f"{change(scheme, n):8.2f}" for n in counts))
    loses = {n: ratio_from_which_rwsem_loses(n) for n in counts}
    print("\npt_rwsem loses more than pte_refcount, by CPUs, from a hand-over on of so many")
    print(f"local atomics: {loses}")
    for advice in WALKS:
        wins = {n: tables_from_which_rwsem_wins(advice, n) for n in counts}
        print(f"tables in one MADV_{advice} from which pt_rwsem costs less, by CPUs: {wins}")
    print("\npte_refcount at 8 CPUs, with a constant halved, as it is, doubled")
    for bound in sensitivity("pte_refcount", 8):
        print(f"{bound.constant:15}{bound.halved:8.2f}{bound.as_is:8.2f}{bound.doubled:8.2f}")


if __name__ == "__main__":
    print(machine())
    main()
