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
