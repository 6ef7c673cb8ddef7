"""What `ptlab autograde` does once, before its processes begin: the secret, and a test of this machine.

The configuration is the course's own, nbgrader_config.py, so that both are what nbgrader would take.
"""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

from nbgrader.apps import NbGrader

from ptlab.classroom.grading import HandIn
from ptlab.classroom.self_test import try_this_machine

TYPED = "-"
"""The secret's file, where it is typed or piped."""


def prepared(folder: Path) -> str | None:
    """The secret, if it was typed and has to be handed on; None if it is in a file.

    SystemExit: there is no secret, or this machine fails with an honest answer.
    """
    with chdir(folder):
        app = NbGrader()
        app.load_config_file()
        hand_in = HandIn(config=app.config)
        secret = hand_in.secret()
        try_this_machine(hand_in.hidden())
    return secret if hand_in.secret_file == TYPED else None
