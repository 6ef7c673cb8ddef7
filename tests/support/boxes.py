"""A text that runs in the box as a student's does, once it has begun."""

from contextlib import contextmanager

from ptlab.classroom.box import started
from ptlab.classroom.box_process import READY
from ptlab.classroom.box_ways import Limits

SAYS_READY = f"print({READY.decode().strip()!r}, flush=True)"


@contextmanager
def running(text, limits=Limits(), folder=None, hide=()):  # noqa: B008 (it is never changed)
    """A text in the box, as a student's that has begun."""
    with started(["-c", f"{SAYS_READY}\n{text}"], limits, folder, hide) as inside:
        inside.wait_until_ready()
        yield inside
