"""In the box: run a notebook, and say what each of its cells has put out. The grader is outside.

One line comes, the notebook; one goes when its kernel stands, {"ready": true}, or {"cannot": why}; after
each cell one line, its outputs; at the end why it ended.
What goes is short, so that an honest student who prints too much keeps the rest; the grader does not
rely on that (notebook_run.py).
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

MOST = 1 << 18
"""Characters that one cell may put out."""
TOO_MUCH = f"\n... the rest was left out: a cell may put out {MOST >> 10} thousand characters\n"


_NO_TERMINAL = "get_ipython().system = get_ipython().system_raw"
"""So that `!ls` works as it does at home: IPython takes a terminal for it, and the box has none."""


def main() -> None:
    """Do one job: {"notebook": ..., "timeout": seconds for one cell}."""
    out, come = os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    job = json.loads(come.readline())

    def say(what: dict[str, Any]) -> None:
        out.write(json.dumps(what) + "\n")
        out.flush()

    stands = False

    def ready(notebook: Any) -> None:
        nonlocal stands
        stands = True
        say({"ready": True})

    try:
        say({"ended": _run(job["notebook"], job["timeout"], ready, say)})
    except Exception as error:
        if stands:
            raise
        say({"cannot": f"{type(error).__name__}: {error}"[:300]})
    os._exit(0)


def _run(notebook: Any, timeout: int, ready: Any, say: Any) -> str:
    # jsonschema takes this if it is there, and then each start begins with building a parser: 1 s.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from nbformat import from_dict

    class Manager(AsyncKernelManager):
        """A kernel on sockets that are files: there is no network in the box."""

        if hasattr(os, "fork"):
            transport, ip = "ipc", os.path.join(os.environ["HOME"], "kernel")

    def executed(cell: Any, cell_index: int, execute_reply: Any) -> None:
        say({"cell": cell_index, "outputs": _short([*cell.outputs, *_untold(cell, execute_reply)])})

    client = NotebookClient(
        from_dict(notebook),  # type: ignore[no-untyped-call]
        kernel_name="python3",
        kernel_manager_class=Manager,
        extra_arguments=[
            "--HistoryManager.hist_file=:memory:",
            f"--IPKernelApp.exec_lines={_NO_TERMINAL}",
        ],
        timeout=timeout,
        interrupt_on_timeout=True,
        raise_on_iopub_timeout=True,  # a kernel that cannot be interrupted is given up
        allow_errors=True,
        error_on_timeout={"ename": "CellTimeoutError", "evalue": "", "traceback": []},
        on_notebook_start=ready,
        on_cell_executed=executed,
        resources={"metadata": {"path": os.getcwd()}},
    )
    try:
        client.execute()
    except CellTimeoutError:
        return "timeout"
    except DeadKernelError:
        return "dead"
    except RecursionError:
        return "nested"
    return "done"


def _untold(cell: Any, reply: dict[str, Any]) -> list[dict[str, Any]]:
    """An error that the kernel has not put out, such as that a cell took too long."""
    content = reply["content"]
    told = [output.ename for output in cell.outputs if output.output_type == "error"]
    if content["status"] != "error" or content["ename"] in told:
        return []
    error = {name: content[name] for name in ("ename", "evalue", "traceback")}
    return [{"output_type": "error", **error}]


def _short(outputs: list[Any]) -> list[Any]:
    """As many outputs as fit. What an answer is handed in by is the last one, so it is kept first."""
    kept, left = list[Any](), MOST
    for output in reversed(outputs):
        size = len(json.dumps(output))
        if size > left and output["output_type"] == "stream":
            output, size = {**output, "text": output["text"][: left // 6] + TOO_MUCH}, left
        if size <= left:
            kept.insert(0, output)
            left -= size
    return kept


if __name__ == "__main__":
    main()
