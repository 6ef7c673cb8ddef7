"""Which line of a design is at work: errors and verdicts name the class, the point and the line."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any


def line_of(scheme: Any) -> str:
    """' (NoLocks.zapped, line 12)' for the innermost method of `scheme` that runs; '' for none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_locals.get("self") is scheme:
            return f" ({_method(scheme, frame)}, line {frame.f_lineno})"
        frame = frame.f_back
    return ""


def _method(scheme: Any, frame: FrameType) -> str:
    return f"{type(scheme).__name__}.{frame.f_code.co_name}"
