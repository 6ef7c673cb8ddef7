"""The grader's secret: where it may be, and that a key of one set tells nothing of the others."""

import io
import os
import sys

import pytest

from ptlab.classroom import secret
from ptlab.classroom.box import way
from ptlab.classroom.box_ways import WAYS

LONG = "0123456789abcdef0123456789abcdef"
hides = pytest.mark.skipif(
    not (way().namespaces or way().user), reason="no secret is read from a file on this system"
)


@pytest.fixture(autouse=True)
def unread():
    secret.read.cache_clear()
    yield
    secret.read.cache_clear()


def a_file(tmp_path, text, mode=0o600):
    path = tmp_path / "secret"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


@hides
def test_it_is_in_a_file_that_nobody_else_can_read(tmp_path):
    assert secret.read(a_file(tmp_path, f"{LONG}\n")) == LONG
    assert LONG not in str(os.environ)


@hides
@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [(LONG, 0o644, "Others can read"), ("short", 0o600, "has 5 characters; take 16 or more")],
)
def test_what_is_no_secret_is_refused(tmp_path, text, mode, why):
    with pytest.raises(SystemExit, match=why):
        secret.read(a_file(tmp_path, text, mode))


@hides
def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(SystemExit, match=r"umask 077; python .* > /.*/nowhere"):
        secret.read(str(tmp_path / "nowhere"))


def test_it_can_be_typed_or_piped(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{LONG}\nmore"))
    assert secret.read("-") == LONG


def test_a_notebook_that_could_read_the_file_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setattr(secret, "way", lambda: WAYS[-2])
    with pytest.raises(SystemExit, match="cannot hide files"):
        secret.read(a_file(tmp_path, LONG))


def test_each_set_has_a_key_of_its_own():
    keys = {secret.of_set(one, name) for one in (LONG, LONG[::-1]) for name in ("walk", "scheme")}
    assert len(keys) == 4 and not any(LONG[:8] in key for key in keys)
    assert secret.mark(LONG) != secret.mark(LONG[::-1])
