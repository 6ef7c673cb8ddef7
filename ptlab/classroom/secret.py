"""The grader's secret: where it comes from, and what is made of it. It is never in an environment.

An environment is handed on to processes, and /proc/PID/environ shows it. So the secret is read from a
file that nobody else can read, or from the terminal, and stays in the grader's memory. Each problem set
has a key of its own, from which nobody finds the secret or another set's key (HMAC, RFC 2104).
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import hmac
import sys
from getpass import getpass
from pathlib import Path

from ptlab.classroom.box import way

LEAST = 16
"""Characters of a secret: what is shorter can be guessed."""

_PR_SET_DUMPABLE = 4
_NEW = "(umask 077; python -c 'import secrets; print(secrets.token_hex())' > {file})"


@functools.cache
def read(file: str) -> str:
    """The secret in `file`; "-" reads it from the terminal, or a pipe. SystemExit says what is wrong.

    Meanwhile and afterwards nobody but root can look into this process's memory (prctl(2)).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if file == "-":
        return _long_enough(_typed(), "what was typed")
    path = Path(file).expanduser()
    if not (way().namespaces or way().user):
        raise SystemExit(
            f"A notebook could read {path}, because this system cannot hide files from it: "
            'c.HandIn.secret_file = "-" in nbgrader_config.py asks for the secret instead. '
            "docs/teaching.md has a container that hides them"
        )
    try:
        if path.stat().st_mode & 0o077 and sys.platform != "win32":
            raise SystemExit(f"Others can read {path}: chmod 600 {path}")
        return _long_enough(path.read_text(encoding="utf-8").strip(), str(path))
    except FileNotFoundError:
        new = _NEW.format(file=path)
        raise SystemExit(
            f"{path} is not there, and the grader's secret has to be in it. Make it once, and keep "
            f"it until all are graded: {new}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SystemExit(f"The grader's secret cannot be read: {error}") from None


def _typed() -> str:
    if sys.stdin.isatty():
        return getpass("The grader's secret: ").strip()
    return sys.stdin.readline().strip()


def _long_enough(secret: str, place: str) -> str:
    if len(secret) < LEAST:
        raise SystemExit(
            f"The grader's secret in {place} has {len(secret)} characters; take {LEAST} or more"
        )
    return secret


def of_set(secret: str, name: str) -> str:
    """The key of a problem set ("walk"), as text."""
    return hmac.new(secret.encode(), f"ptlab set {name}".encode(), hashlib.sha256).hexdigest()


def mark(secret: str) -> str:
    """Eight characters that tell one secret from another, and nothing else about it."""
    return hmac.new(secret.encode(), b"ptlab mark", hashlib.sha256).hexdigest()[:8]
