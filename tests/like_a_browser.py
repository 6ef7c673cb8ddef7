"""Run notebooks in a Python like a browser's: no processes, no threads, no module that needs a system.

    python tests/like_a_browser.py notebooks/*.ipynb

What a JupyterLite has besides (32 bits, numpy's build for it, its kernel) is not tried here.
"""

import contextlib
import io
import json
import os
import sys
import threading
from pathlib import Path

ABSENT = {
    *("resource", "fcntl", "termios", "pwd", "grp", "_multiprocessing", "_posixsubprocess"),
    *("pygraphviz", "jupyterlab", "ssl", "curses"),
}


class Absent:
    """Finds no module of ABSENT."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def no_thread(thread):
    raise RuntimeError("can't start new thread")


def failures(notebook):
    """What goes wrong in the cells of a notebook."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.reset()
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    with contextlib.chdir(notebook.parent):
        for cell in cells:
            if cell["cell_type"] == "code":
                with contextlib.redirect_stdout(io.StringIO()):
                    ran = shell.run_cell("".join(cell["source"]))
                if not ran.success:
                    yield f"{notebook.name}: {ran.error_before_exec or ran.error_in_exec!r}"


def main(paths):
    """Run each notebook; 1 if a cell failed."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ABSENT]:
        del sys.modules[name]
    sys.meta_path.insert(0, Absent())
    sys.platform = "emscripten"
    os.environ["PATH"] = ""
    threading.Thread.start = no_thread
    wrong = [failure for path in paths for failure in failures(Path(path).resolve())]
    print("\n".join(wrong) or f"{len(paths)} notebooks ran")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
