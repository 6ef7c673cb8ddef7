"""`ptlab lab`: which notebooks it opens, and whose work it keeps."""

import sys

from ptlab.cli import lab
from tests.support.command import ptlab


def test_lab_copies_packaged_notebooks_and_keeps_your_work(tmp_path):
    packaged = tmp_path / "site-packages" / "ptlab" / "_notebooks"
    packaged.mkdir(parents=True)
    (packaged / lab.FIRST).write_text("first")
    (packaged / "01.ipynb").write_text("second")
    (packaged / "exercises" / "ps1_the_walk").mkdir(parents=True)
    (packaged / "exercises" / "ps1_the_walk" / "ps1.ipynb").write_text("first set")
    (packaged / "exercises" / "ps1_the_walk" / "other.ipynb").write_text("another")
    here = tmp_path / "here"
    mine = here / "ptlab-notebooks" / "exercises" / "ps1_the_walk"
    mine.mkdir(parents=True)
    (mine / "other.ipynb").write_text("my answers")
    (here / "ptlab-notebooks" / "01.ipynb").write_text("mine")
    folder = lab.notebooks(packaged.parent, here)
    assert folder == here / "ptlab-notebooks"
    assert (folder / lab.FIRST).read_text() == "first"
    assert (folder / "01.ipynb").read_text() == "mine"
    assert (mine / "ps1.ipynb").read_text() == "first set"
    assert (mine / "other.ipynb").read_text() == "my answers"


def test_lab_uses_the_notebooks_of_a_checkout(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / lab.FIRST).write_text("first")
    assert lab.notebooks(tmp_path / "ptlab", tmp_path) == tmp_path / "notebooks"


def test_lab_hands_options_on_to_jupyter(capsys, monkeypatch, tmp_path):
    (tmp_path / lab.FIRST).write_text("first")
    monkeypatch.setattr(lab, "notebooks", lambda package, here: tmp_path)
    calls = []
    monkeypatch.setattr("jupyterlab.labapp.LabApp.launch_instance", calls.append)
    assert ptlab(capsys, "lab", "--no-browser", "--port", "9999")[0] == 0
    assert calls == [[str(tmp_path / lab.FIRST), "--no-browser", "--port", "9999"]]


def test_lab_without_notebooks_says_what_to_do(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(lab, "_PACKAGE", tmp_path / "ptlab")
    status, _, err = ptlab(capsys, "lab")
    assert status == 2
    assert "please install ptlab again" in err


def test_lab_without_jupyterlab_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    status, _, err = ptlab(capsys, "lab")
    assert status == 2
    assert "pip install 'ptlab[lab]'" in err
