"""Choose a workload and designs, and measure them. The notebook stays usable. Plain ipywidgets.

ptlab.costs.measure gives the panel names, and a function that turns chosen names into HTML tables.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from html import escape

import ipywidgets  # type: ignore[import-untyped]

from ptlab.widgets.choice import choice, choice_style
from ptlab.widgets.front_end import runs_widgets
from ptlab.widgets.outputs import HasPage

_STALE = "ptlab-stale"
_STYLE = f"<style>.ptlab-tables table {{ margin-left: 0; }} .{_STALE} {{ opacity: 0.35; }}</style>"
_NOT_YET = "No design is measured yet. Run the cell in JupyterLab, and press Measure."

Measure = Callable[[str, Sequence[str], Callable[[str], None]], str]


class Designs(HasPage, ipywidgets.VBox):
    """A list of workloads, a checkbox for each design, a button, progress, and the tables below.

    `measure(workload, designs, done)` returns the tables as HTML and calls `done` with each design
    that is finished. It runs in its own thread. If it raises an error, the panel shows the error.
    """

    def __init__(
        self,
        workloads: Mapping[str, str],
        designs: Sequence[str],
        measure: Measure,
        workload: str,
        ticked: Sequence[str],
    ) -> None:
        """Show the choices; `workload` and `ticked` are chosen to begin with."""
        self._described, self._measure = workloads, measure
        self._workload = choice(options=list(workloads), value=workload, description="Workload")
        self._workload.observe(lambda _: self._describe(), "value")
        self._description = ipywidgets.HTML()
        self._ticks = {
            name: ipywidgets.Checkbox(
                name in ticked, description=name, indent=False, layout={"width": "11em"}
            )
            for name in designs
        }
        self._button = ipywidgets.Button(description="Measure", button_style="primary")
        self._button.on_click(lambda _: self.start())
        self._status = ipywidgets.HTML()
        self._tables = ipywidgets.HTML(layout={"width": "100%"})
        for name in ("jp-RenderedHTMLCommon", "ptlab-tables"):
            self._tables.add_class(name)  # its tables look as in a cell's output
        self._thread: threading.Thread | None = None
        super().__init__(
            [
                ipywidgets.HBox([self._workload, self._description]),
                ipywidgets.HBox(list(self._ticks.values()), layout={"flex_flow": "row wrap"}),
                ipywidgets.HBox([self._button, self._status]),
                self._tables,
                choice_style(),
                ipywidgets.HTML(_STYLE, layout={"display": "none"}),
            ]
        )
        self._describe()

    def start(self) -> None:
        """Measure what is chosen, as the button does. While a measurement runs, do nothing."""
        chosen = [name for name, tick in self._ticks.items() if tick.value]
        if self._button.disabled:
            return
        if not chosen:
            self._say("Tick one design or more, then press Measure.")
            return
        self._button.disabled = True
        self._tables.add_class(_STALE)  # they are those of the measurement before
        self._thread = threading.Thread(target=self._run, args=(self._workload.value, chosen))
        self._thread.start()

    def wait(self) -> None:
        """Wait until the measurement that runs is done."""
        if self._thread is not None:
            self._thread.join()

    def __repr__(self) -> str:
        """For viewers that run no widgets."""
        return f"<{len(self._ticks)} designs to measure: press Measure in JupyterLab>"

    def _page(self) -> str:
        """What was measured last; a program that only collects outputs gets the first choice."""
        if not self._tables.value and not runs_widgets():
            self.start()
            self.wait()
        return f'<div class="ptlab-tables">{self._tables.value or _NOT_YET}</div>'

    def _run(self, workload: str, chosen: Sequence[str]) -> None:
        finished: list[str] = []

        def done(name: str) -> None:
            finished.append(name)
            self._progress(workload, finished, len(chosen))

        self._progress(workload, finished, len(chosen))
        try:
            self._tables.value = self._measure(workload, chosen, done)
            self._tables.remove_class(_STALE)
            self._say("")
            self._show_page_again()
        except Exception as error:
            self._say(f"{type(error).__name__}: {error}")
        finally:
            self._button.disabled = False

    def _progress(self, workload: str, finished: Sequence[str], of: int) -> None:
        last = f", last {finished[-1]}" if finished else ""
        self._say(
            f"{workload}: {len(finished)} of {of} designs are done{last}",
            f'<progress aria-label="designs done" max="{of}" value="{len(finished)}"></progress> ',
        )

    def _say(self, text: str, before: str = "") -> None:
        self._status.value = f'{before}<span role="status">{escape(text)}</span>'

    def _describe(self) -> None:
        self._description.value = escape(self._described[self._workload.value])
