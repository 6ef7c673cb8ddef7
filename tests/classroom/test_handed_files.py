"""A folder that was handed in is looked at before it is opened."""

import os

import pytest

from ptlab.classroom import handed_files
from ptlab.classroom.handed_files import unsafe


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "submitted/eve/ps1"
    place.mkdir(parents=True)
    (place / "ps1.ipynb").write_text("{}")
    (tmp_path / "source").mkdir()
    (tmp_path / "source/ps1.ipynb").write_text("the solutions")
    return place


def test_ordinary_files_are_safe(folder):
    (folder / "data").mkdir()
    (folder / "data/x.csv").write_text("1")
    assert unsafe(folder) == ""


def test_links_are_not_followed(folder):
    (folder / "deep").mkdir()
    (folder / "deep/notes").symlink_to("/dev/zero")
    assert "notes is a link" in unsafe(folder)
    (folder.parent / "ps2").symlink_to(folder.parents[2] / "source")
    assert "ps2 is a link" in unsafe(folder.parent / "ps2")
    (folder.parents[1] / "mallory").symlink_to(folder.parent)
    assert "mallory is a link" in unsafe(folder.parents[1] / "mallory/ps1")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_no_file(folder):
    os.mkfifo(folder / "ps1.txt")
    assert unsafe(folder) == "ps1.txt is no ordinary file"


def test_too_much_is_refused(folder, monkeypatch):
    with (folder / "holes").open("w") as file:
        file.truncate(200 << 20)
    assert "25 MiB" in unsafe(folder)
    (folder / "holes").unlink()
    monkeypatch.setattr(handed_files, "MOST_FILES", 3)
    for name in "abc":
        (folder / name).touch()
    assert "more than 3 files" in unsafe(folder)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-28 03:12:14.363243 UTC", True),  # of nbgrader submit
        ("2026-11-27 17:00:00 Europe/Berlin\n", True),
        ("2026-11-27 17:00:00+01:00", True),
        ("2026-11-27 17:00", True),
        ("yesterday", False),
        ("2026-13-27 17:00:00 UTC", False),
        ("2026-11-27 17:00:00 UTC" + " " * 999, False),
        ("\udcff", False),
    ],
)
def test_a_time_that_nbgrader_cannot_read_has_its_reason(folder, text, read):
    (folder / "timestamp.txt").write_bytes(os.fsencode(text))
    assert unsafe(folder) == ("" if read else f"timestamp.txt {handed_files.NO_TIME}")
    (folder / "timestamp.txt").unlink()
    (folder / "timestamp.txt").mkdir()
    assert handed_files.NO_TIME in unsafe(folder)
