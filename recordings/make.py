"""Make the carried recordings again, on Linux 6.7 or newer, on x86-64:

    apt-get install libjemalloc2 libtcmalloc-minimal4 redis-server sqlite3 nodejs openjdk-17-jdk-headless
    python recordings/make.py [NAME ...]

They go to ptlab/trace/data/. Each program is in recordings/programs/ or comes from Debian.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
DATA = HERE.parent / "ptlab" / "trace" / "data"
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
PYTHON = "/usr/bin/python3"
DECAY = "dirty_decay_ms:{0},muzzy_decay_ms:{0}"


def churn(**environment: str) -> list[str]:
    """The malloc churn, with another allocator if `environment` says so."""
    settings = [f"{name}={value}" for name, value in environment.items()]
    return ["env", "PYTHONMALLOC=malloc", *settings, PYTHON, "programs/churn.py"]


def jemalloc(decay: int) -> list[str]:
    """The churn with jemalloc, which gives memory back after `decay` milliseconds."""
    library = f"{LIBRARIES}/libjemalloc.so.2"
    return churn(LD_PRELOAD=library, MALLOC_CONF=DECAY.format(decay))


def java(collector: str, blocks: int) -> list[str]:
    """The heap that grows to so many blocks of 10 kB and shrinks, under a garbage collector."""
    options = [f"-XX:+Use{collector}", "-Xmx400m", "-Xms16m"]
    return ["java", *options, "programs/Heap.java", str(blocks)]


RECORDINGS: dict[str, list[str]] = {
    "glibc": churn(),
    "jemalloc": jemalloc(200),
    "jemalloc-decay-0": jemalloc(0),
    "tcmalloc": churn(LD_PRELOAD=f"{LIBRARIES}/libtcmalloc_minimal.so.4"),
    "python": [PYTHON, "programs/python_program.py"],
    "redis": [
        "redis-server",
        "--port",
        "0",
        "--unixsocket",
        "redis.sock",
        "--save",
        "",
        "--enable-debug-command",
        "yes",
    ],
    "sqlite": ["sqlite3", "-init", "programs/table.sql", "table.db", ".quit"],
    "node": ["node", "--expose-gc", "programs/heap.js"],
    "java-g1": java("G1GC", 20000),
    "java-zgc": java("ZGC", 3000),
    "fork-server": [PYTHON, "programs/fork_server.py"],
    "huge-pages": [PYTHON, "programs/huge_pages.py"],
}


def redis(folder: str) -> None:
    """Load, delete nineteen keys of twenty, purge, stop."""

    def ask(*words: str) -> None:
        subprocess.run(["redis-cli", "-s", f"{folder}/redis.sock", *words], check=True)

    while not Path(folder, "redis.sock").exists():
        time.sleep(0.05)
    ask("debug", "populate", "400000", "key", "100")
    delete = "for n = 0, 399999 do if n % 20 > 0 then redis.call('del', 'key:' .. n) end end"
    ask("eval", delete, "0")
    time.sleep(1)
    ask("memory", "purge")
    ask("shutdown", "nosave")


MEANWHILE: dict[str, Callable[[str], None]] = {"redis": redis}


def make(name: str) -> None:
    """Record one program into the package.

    It runs beside a copy of the programs, so that a recording names no folder of this machine.
    """
    file = DATA / f"{name}.trace"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PROGRAMS, Path(folder, "programs"))
        command = [sys.executable, "-m", "ptlab", "trace", "-o", str(file), "--"]
        environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
        with subprocess.Popen([*command, *RECORDINGS[name]], cwd=folder, env=environment) as run:
            if name in MEANWHILE:
                MEANWHILE[name](folder)
        if run.returncode:
            sys.exit(f"{name}: exit status {run.returncode}")
    print(f"{name}: {file.stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    for each in sys.argv[1:] or RECORDINGS:
        make(each)
