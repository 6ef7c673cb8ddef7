"""`make publish`: the address of the repository goes into every file that names it."""

import runpy
import shutil
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
publish = runpy.run_path(str(ROOT / "docs/publish.py"))["publish"]
FILES = ("README.md", "docs/teaching.md", "pyproject.toml", "CITATION.cff", "ptlab/__init__.py")


@pytest.fixture
def checkout(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_all_files_have_the_address_and_only_the_last_one(checkout):
    publish("someone/page-tables", checkout)
    publish("another/ptlab.fork", checkout)
    readme, teaching = ((checkout / name).read_text() for name in FILES[:2])
    assert "mybinder.org/v2/gh/another/ptlab.fork/v" in readme
    for text in (readme, teaching):
        assert "$ git clone https://github.com/another/ptlab.fork && cd ptlab.fork" in text
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Issues"] == "https://github.com/another/ptlab.fork/issues"
    assert project["scripts"] == {"ptlab": "ptlab.cli:main"}
    assert not any("someone/" in (checkout / name).read_text() for name in FILES)


@pytest.mark.parametrize("repo", ["", "ptlab", "a/b/c", "https://github.com/a/b", "a/b c"])
def test_what_is_no_address_is_refused_and_nothing_is_written(checkout, repo):
    before = [(checkout / name).read_text() for name in FILES]
    with pytest.raises(ValueError, match="give the owner and the name"):
        publish(repo, checkout)
    assert before == [(checkout / name).read_text() for name in FILES]
