"""What a widget leaves in a notebook: itself, and a page that is seen where the widget cannot run.

A notebook that is opened again without its kernel still has the output of the widget, and JupyterLab
shows that one whatever else the same output offers ("Error displaying widget: model not found"). So
the page is an output of its own, below the widget. A style, which comes with it, shows it only where
no widget lives in the output above.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from ptlab.widgets.front_end import in_notebook, runs_widgets

VIEW = "application/vnd.jupyter.widget-view+json"

_DEAD = ".jp-OutputArea-child:not(:has(.jp-OutputArea-output .lm-Widget))"
# JupyterLab writes "Loading widget..." first, so the page waits, too far away to be loaded.
_STYLE = f"""<style>
.ptlab-late {{ display: none; }}
{_DEAD} + .jp-OutputArea-child .ptlab-late {{
  display: block; animation: ptlab-late 1.5s step-end;
}}
{_DEAD}:has(+ .jp-OutputArea-child .ptlab-late) {{ display: none; }}
@keyframes ptlab-late {{ from {{ position: fixed; left: -30000px; }} }}
</style>"""


class HasPage:
    """A widget that can also be seen as a page of HTML. List it before the widget's base class."""

    _page_id = ""

    def _page(self) -> str:
        """The page, as an element that a page of somebody else can hold."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The widget and its page as two forms of one output; no widget where nobody runs it."""
        made: Any = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        if made is None:  # the widget has no view
            return None
        data, metadata = made if isinstance(made, tuple) else (made, {})
        data["text/html"] = self._page()
        if not runs_widgets():
            data.pop(VIEW, None)
        return data, metadata

    def _ipython_display_(self) -> None:
        """In a notebook, the widget and its page as two outputs."""
        made = self._repr_mimebundle_()
        if made is None or VIEW not in made[0] or not in_notebook():
            raise NotImplementedError("IPython asks for the other forms then")
        data, metadata = made
        page = data.pop("text/html")
        self._page_id = uuid4().hex
        _publish(data, metadata)
        _publish(_late(page), transient={"display_id": self._page_id})

    def _show_page_again(self) -> None:
        """The page has changed since it was published: a notebook that is saved gets the new one."""
        if self._page_id:
            _publish(_late(self._page()), transient={"display_id": self._page_id}, update=True)


def display_in_notebook(make: Callable[[], HasPage]) -> None:
    """The `_ipython_display_` of what is shown as a widget; `make` is called only if it is needed."""
    if not in_notebook():
        raise NotImplementedError("IPython asks for the other forms then")
    make()._ipython_display_()


def _late(page: str) -> dict[str, str]:
    return {"text/html": f'{_STYLE}<div class="ptlab-late">{page}</div>'}


def _publish(data: dict[str, Any], metadata: Any = None, **options: Any) -> None:
    from IPython.display import publish_display_data

    publish_display_data(data, metadata, **options)  # type: ignore[no-untyped-call]
