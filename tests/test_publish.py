"""`make publish`: the address of the repository goes into every file that names it."""

import re
import runpy
import shutil
import tomllib
from pathlib import Path

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

ROOT = Path(__file__).parents[1]
publish = runpy.run_path(str(ROOT / "docs/publish.py"))["publish"]
FILES = ("README.md", "docs/teaching.md", "pyproject.toml", "CITATION.cff", "ptlab/__init__.py")
HOOK = "docs/hatch_readme.py"


@pytest.fixture
def checkout(tmp_path):
    for name in (*FILES, HOOK, "LICENSE"):
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


def test_on_a_package_index_pictures_and_links_lead_to_the_repository(checkout):
    def readme():
        metadata = ProjectMetadata(str(checkout), PluginManager())
        assert metadata.core.readme_content_type == "text/markdown"
        return metadata.core.readme

    assert readme() == (checkout / "README.md").read_text(encoding="utf-8")
    publish("someone/page-tables", checkout)
    address = "https://github.com/someone/page-tables"
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)\s]+)", readme())
    pictures = [to for mark, to in links if mark and "badge" not in to]
    assert pictures == [f"{address}/raw/HEAD/docs/img/stepper.png"]
    assert f"{address}/blob/HEAD/docs/teaching.md" in {to for _, to in links}
    assert all(to.startswith("https://") for _, to in links)
    for _, to in links:
        if "/HEAD/" in to:
            assert (ROOT / to.partition("/HEAD/")[2]).exists(), to
