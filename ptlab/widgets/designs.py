"""Choose a workload and designs, and measure them. The notebook stays usable meanwhile.

ptlab.costs.measure gives the panel names, and a function that turns chosen names into a report.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import traitlets

from ptlab.widgets.front_end import runs_widgets
from ptlab.widgets.outputs import HasPage
from ptlab.widgets.page import DESIGNS, STATIC, filled, framed

_TITLE = "Workloads under all designs"
_NOT_YET = "<p>No design is measured yet. Run the cell in JupyterLab, and press Measure.</p>"

Measure = Callable[[str, Sequence[str], Callable[[str], None]], str]


class Designs(HasPage, anywidget.AnyWidget):
    """A list of workloads, a tick for each design, a button, progress, and the report below.

    `measure(workload, designs, done)` returns the report as HTML, in which what belongs to one design
    has its name as `data-design`, and calls `done` with each design that is finished. It runs in its
    own thread. If it raises an error, the panel shows the error. A report covers all designs that
    were measured under its workload; which of them are seen is chosen without Python, in a page too.
    """

    _esm = STATIC / "designs.js"
    _css = DESIGNS.css
    workloads = traitlets.Dict().tag(sync=True)
    """What the workloads do, by name."""
    designs: list[str] = traitlets.List().tag(sync=True)  # type: ignore[assignment]
    workload = traitlets.Unicode().tag(sync=True)
    ticked: list[str] = traitlets.List().tag(sync=True)  # type: ignore[assignment]
    reports = traitlets.Dict().tag(sync=True)
    """Of each workload that was measured {"designs": names, "html": report}."""
    busy = traitlets.Bool(False).tag(sync=True)
    done, of = traitlets.Int(0).tag(sync=True), traitlets.Int(0).tag(sync=True)
    """How many designs are finished, and of how many, while it is busy."""
    said = traitlets.Unicode().tag(sync=True)
    measures = traitlets.Bool(True).tag(sync=True)
    """Whether Python is there to measure."""
    palette = traitlets.Dict().tag(sync=True)
    glossary: list[Any] = traitlets.List().tag(sync=True)  # type: ignore[assignment]

    def __init__(
        self,
        workloads: Mapping[str, str],
        designs: Sequence[str],
        measure: Measure,
        workload: str,
        ticked: Sequence[str],
        **look: Any,
    ) -> None:
        """Show the choices; `workload` and `ticked` are chosen to begin with.

        `look` is the palette and the glossary, as in a payload.
        """
        self._measure, self._thread = measure, None
        super().__init__(
            workloads=dict(workloads),
            designs=list(designs),
            workload=workload,
            ticked=list(ticked),
            **look,
        )
        self.on_msg(lambda widget, message, buffers: self.start())

    _thread: threading.Thread | None

    def start(self) -> None:
        """Measure what is ticked, as the button does. While a measurement runs, do nothing."""
        if self.busy:
            return
        known = self.reports.get(self.workload, {}).get("designs", [])
        missing = [name for name in self.designs if name in self.ticked and name not in known]
        if not missing:
            return
        chosen = [name for name in self.designs if name in known or name in missing]
        self.done, self.of, self.busy = 0, len(missing), True
        self._thread = threading.Thread(target=self._run, args=(self.workload, chosen))
        try:
            self._thread.start()
        except RuntimeError:  # a Python in a browser has no threads: it is busy until this is done
            self._thread = None
            self._run(self.workload, chosen)

    def wait(self) -> None:
        """Wait until the measurement that runs is done."""
        if self._thread is not None:
            self._thread.join()

    def __repr__(self) -> str:
        """For viewers that run no widgets."""
        return f"<{len(self.designs)} designs to measure: press Measure in JupyterLab>"

    def _page(self) -> str:
        """All that was measured; a program that only collects outputs gets the first choice."""
        if not self.reports and not runs_widgets():
            self.start()
            self.wait()
        if not self.reports:
            return _NOT_YET
        fields = "workloads", "designs", "ticked", "reports", "palette", "glossary"
        state = {name: getattr(self, name) for name in fields}
        last = self.workload if self.workload in self.reports else next(reversed(self.reports))
        state |= {
            "workload": last,
            "measures": False,
            "busy": False,
            "said": "",
            "done": 0,
            "of": 0,
        }
        report: str = self.reports[last]["html"]
        return framed(filled(state, _TITLE, DESIGNS, self.palette, ""), _TITLE, report)

    def _run(self, workload: str, chosen: Sequence[str]) -> None:
        finished: list[str] = []

        def done(name: str) -> None:
            finished.append(name)
            self.done = len(finished)
            self.said = (
                f"{workload}: {self.done} of {self.of} designs are done, last {finished[-1]}"
            )

        self.said = f"{workload}: 0 of {self.of} designs are done"
        try:
            report = self._measure(workload, chosen, done)
            self.reports = self.reports | {workload: {"designs": list(chosen), "html": report}}
            self.said = ""
        except Exception as error:
            self.said = f"{type(error).__name__}: {error}"
        finally:
            self.busy = False
        self._show_page_again()
