"""What `make site` puts together. docs/site/check.py looks at the whole site."""

import re
import tomllib

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from packaging.requirements import Requirement

import ptlab
from docs.site.api import PACKAGES, as_rst, write_api
from docs.site.build import ROOT, mend_links
from docs.site.executed import executed, share_players
from docs.site.lite import PURE, contents


def test_links_lead_to_pages_and_never_to_a_solution(tmp_path):
    root, source = tmp_path / "root", tmp_path / "source"
    for name in ("exercises/source/ps1/ps1.ipynb", "ptlab/base.py", "docs/a.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("text")
    for name in ("exercises/for_students/ps1/ps1.ipynb", "docs/a.md"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("text")
    page = source / "exercises/README.md"
    page.write_text(
        "[`ps1`](source/ps1/ps1.ipynb) [a](../docs/a.md#part) [code](../ptlab/base.py) "
        "[all](../ptlab) [there](https://x.org) [here](#part)"
    )
    mend_links(page, source, root)
    assert page.read_text() == (
        "[`ps1`](for_students/ps1/ps1.ipynb) [a](../docs/a.md#part) [code](../ptlab/base.py) "
        "all [there](https://x.org) [here](#part)"
    )
    assert (source / "ptlab/base.py").read_text() == "text"
    page.write_text("[no](../docs/b.md)")
    with pytest.raises(ValueError, match=r"exercises/README.md: the link to \.\./docs/b.md"):
        mend_links(page, source, root)


def test_a_page_of_the_reference_names_all_that_is_public(tmp_path):
    write_api(tmp_path)
    text = (tmp_path / "ptlab.rst").read_text()
    named = re.findall(r":: ptlab\.(\w+)$", text, re.MULTILINE)
    assert named == ptlab.__all__
    assert {path.stem for path in tmp_path.glob("*.rst")} == set(PACKAGES)


def test_a_docstring_keeps_its_words_and_its_columns():
    lines = as_rst(
        ["The `pfn` of *all*.", "", "a   one", "bc  two", "", ">>> 1 + 1", "2", "", "A pte_ too."]
    )
    assert "\n".join(lines) == (
        "The ``pfn`` of \\*all\\*.\n\n::\n\n    a   one\n    bc  two\n\n>>> 1 + 1\n2\n\nA pte\\_ too.\n"
    )


def test_a_notebook_runs_once_for_each_state_of_the_engine(tmp_path, monkeypatch):
    path, kept = tmp_path / "a.ipynb", tmp_path / "kept"
    count = "from pathlib import Path\nwith Path('runs').open('a') as f: f.write('x')\n"
    ask = "from ptlab.course import Guess\nGuess('How many?', lambda: 1024, unit='kB')"
    nbformat.write(new_notebook(cells=[new_code_cell(count), new_code_cell(ask)]), path)
    first = executed(path, kept)
    again = executed(path, kept)
    assert (tmp_path / "runs").read_text() == "x" and again.cells == first.cells
    (shown,) = share_players(again).cells[1].outputs
    assert "{{ptlab:guess.js}}" in shown.data["text/html"]
    assert "1024" not in str(shown), "the answer is not there to be read"
    monkeypatch.setattr("docs.site.executed.engine", lambda: "another")
    monkeypatch.setattr(NotebookClient, "execute", lambda client: client.nb.cells.pop())
    assert len(executed(path, kept).cells) == 1 and len(list(kept.iterdir())) == 1


def test_a_jupyterlite_has_all_that_ptlab_needs_and_installs_it(tmp_path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {Requirement(need).name for need in project["dependencies"]}
    assert needed - {"numpy"} <= set(PURE)
    contents(tmp_path)
    notebooks = [nbformat.read(path, as_version=4) for path in tmp_path.rglob("*.ipynb")]
    assert len(notebooks) == len([*ROOT.glob("notebooks/*"), *ROOT.glob("exercises/source/*")])
    for notebook in notebooks:
        assert [cell.id for cell in notebook.cells].index("install") == 1
        nbformat.validate(notebook)
