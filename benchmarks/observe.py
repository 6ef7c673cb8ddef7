"""A look at a process against the bare ioctl: a sparse address space, and a dense one.

python -m benchmarks.observe
"""

import mmap
import os
from collections.abc import Callable
from contextlib import closing
from statistics import median

from benchmarks.measure import Seconds, machine, spread, timed
from ptlab.base.geometry import PMD_SIZE, GiB
from ptlab.observe import observe
from ptlab.observe.mappings import Mapping, mappings
from ptlab.observe.pagemap import Pagemap

_NORESERVE = 0x4000  # mmap.MAP_NORESERVE came with Python 3.13
ROUNDS = 5
SHAPES = {"64 GiB, a page in every 2 MiB": (64 * GiB, PMD_SIZE), "1 GiB, every page": (GiB, 4096)}


def main() -> None:
    """Both shapes; the looker is a child, so that it observes another process."""
    for name, (length, stride) in SHAPES.items():
        memory = mmap.mmap(-1, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE)
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for at in range(0, length, stride):
            memory[at] = 1
        reader, writer = os.pipe()
        if not os.fork():
            os.write(writer, report(name, os.getppid()).encode())
            os._exit(0)
        os.wait()
        print(os.read(reader, 4096).decode())
        memory.close()


def report(name: str, pid: int) -> str:
    """One line for each way, and the ratio of the medians."""
    times: dict[str, list[Seconds]] = {"ioctl alone": [], "observe": []}
    with open(f"/proc/{pid}/maps") as file:
        found = mappings(file.read())
    ways: dict[str, Callable[[], object]] = {
        "ioctl alone": lambda: scan(pid, found),
        "observe": lambda: observe(pid),
    }
    for _ in range(ROUNDS):
        for way, run in ways.items():
            times[way].append(timed(run)[1])
    alone, whole = (median(run.clock for run in runs) for runs in times.values())
    lines = [
        f"  {way:12} {spread([run.clock * 1000 for run in runs], '.1f')} ms"
        for way, runs in times.items()
    ]
    return "\n".join([f"{name}: observe takes {whole / alone:.1f} times the ioctls", *lines])


def scan(pid: int, found: list[Mapping]) -> None:
    """The ioctls that a look needs, and nothing else."""
    with closing(Pagemap(pid)) as pagemap:
        for one in found:
            for _ in pagemap.scan(one.start, one.end):
                pass


if __name__ == "__main__":
    print(machine(), flush=True)
    main()
