"""A drop-down list with an arrow that is visible in dark themes too: that of ipywidgets is black."""

from __future__ import annotations

from typing import Any

import ipywidgets  # type: ignore[import-untyped]

_ARROW = (
    "url(\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'>"
    "<path fill='%23bdbdbd' d='M5.2 5.9 9 9.7 12.8 5.9 14 7.1 9 12.1 4 7.1z'/></svg>\")"
)
_STYLE = (
    "<style>[data-jp-theme-light='false'] .ptlab-choice "
    f"{{ --jp-widgets-dropdown-arrow: {_ARROW}; }}</style>"
)


def choice(**traits: Any) -> ipywidgets.Dropdown:
    """A drop-down list; the panel that shows it also needs `choice_style()` among its children."""
    made = ipywidgets.Dropdown(**traits)
    made.add_class("ptlab-choice")
    return made


def choice_style() -> ipywidgets.HTML:
    """The style of every `choice`, as a child that takes no room."""
    return ipywidgets.HTML(_STYLE, layout={"display": "none"})
