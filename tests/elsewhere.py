"""Run tests as on another system: `python tests/elsewhere.py darwin|win32 [pytest's arguments]`.

What such a system lacks is taken away: modules, functions of os, /proc. What it has and Linux has not is
not there either, so this finds what is missing, and cannot stand for a run on that system.
"""

import importlib
import os
import platform
import sys

LACKS = {
    "darwin": {
        "modules": (),
        "os": ("sched_getaffinity", "sched_setaffinity", "memfd_create", "pidfd_open", "pipe2"),
        "system": "Darwin",
        "machine": "arm64",
    },
    "win32": {
        "modules": ("resource", "fcntl", "termios", "pwd", "grp", "pty", "tty"),
        "os": (
            *(
                "fork",
                "geteuid",
                "getuid",
                "getgid",
                "killpg",
                "setsid",
                "mkfifo",
                "wait4",
                "uname",
            ),
            *("sched_getaffinity", "sched_setaffinity", "memfd_create", "pidfd_open", "pipe2"),
            *("getloadavg", "chown", "openpty", "posix_spawn", "setuid", "setgid", "nice"),
        ),
        "system": "Windows",
        "machine": "AMD64",
    },
}
"""What the standard library's documentation says is not available there."""


SEES_THE_REAL_ONE = (
    *("asyncio", "concurrent.futures.process", "multiprocessing.pool", "sysconfig", "tempfile"),
    *("urllib.request", "uuid", "graphviz", "nbgrader.apps", "requests", "prometheus_client"),
    *("anywidget", "hypothesis", "IPython", "ipykernel.kernelapp", "nbclient", "numpy.testing"),
    *("playwright.sync_api", "psutil", "pygraphviz", "rich.console", "rich.progress", "zmq"),
)


class Absent:
    """Finds none of these modules."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        if name in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def become(name):
    """This process is one on such a system from here on."""
    lacks = LACKS[name]
    sys.modules.update(dict.fromkeys(lacks["modules"]))  # None: to import it is an ImportError
    sys.meta_path.insert(0, Absent(lacks["modules"]))
    for one in lacks["os"]:
        if hasattr(os, one):
            delattr(os, one)
    sys.platform = name
    platform.system = lambda: lacks["system"]
    platform.machine = lambda: lacks["machine"]


class Elsewhere:
    """A plugin of pytest: the system changes when all that is not ptlab has seen the real one."""

    def __init__(self, name):
        self.name = name

    def pytest_sessionstart(self):
        for library in SEES_THE_REAL_ONE:
            importlib.import_module(library)
        become(self.name)


def main(name, *arguments):
    import pytest

    return pytest.main(["-n0", "-p", "no:cacheprovider", *arguments], [Elsewhere(name)])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
