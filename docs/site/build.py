"""Build the site: `python -m docs.site.build [FOLDER]`, which is build/site without a folder.

1. Everything that becomes a page is put into build/site-source, where it lies in the checkout, so that
   links between pages hold. Notebooks are there with their outputs.
2. Sphinx makes the pages.

What was computed is kept in build/site-kept as long as neither its source nor ptlab changes.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat

from docs.site.api import write_api
from docs.site.executed import executed, share_players
from docs.site.frames import as_script
from docs.site.races import write_races
from ptlab.race.scenes import SCENES

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
_LINK = re.compile(
    r"(!?\[(?:[^\]\[]|\[[^\]]*\])*\])"  # the words
    r"\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)"  # the file, and the part of it
)
_RAN = """```{note}
This page is a notebook that has run. Its pictures play here, and its questions take your guesses; the
code cannot be changed. To run it yourself, see {doc}`Start </README>`.
```"""
_TO_DO = """```{{note}}
You work on this problem set in JupyterLab, where your answers are checked:
{{download}}`{name} <{name}>`.
```"""


def stage(source: Path, kept: Path, scenes: list[str], root: Path = ROOT) -> None:
    """Put every page of the site into the new folder `source`."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"):
        shutil.copy(root / name, source)
    shutil.copytree(root / "docs/img", source / "docs/img")
    shutil.copytree(HERE / "static", source / "_static")
    (source / "_static/players.js").write_text(as_script(), encoding="utf-8")
    shutil.copytree(HERE / "templates", source / "_templates")
    shutil.copy(HERE / "conf.py", source)
    shutil.copy(HERE / "index.md", source)
    for path in (*root.glob("docs/*.md"), *root.glob("exercises/*.md")):
        _put(source / path.relative_to(root), path.read_text(encoding="utf-8"))
    for path in sorted(root.glob("notebooks/*.ipynb")):
        _put_notebook(source / path.relative_to(root), executed(path, kept), _RAN)
    for path in sorted(root.glob("exercises/for_students/*/*.ipynb")):
        target = source / path.relative_to(root)
        _put_notebook(target, nbformat.read(path, as_version=4), _TO_DO.format(name=path.name))
    write_races(source / "races", kept, scenes)
    write_api(source / "api")
    for page in (*source.rglob("*.md"), *source.rglob("*.ipynb")):
        mend_links(page, source, root)


def _put(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def _put_notebook(target: Path, notebook: Any, note: str) -> None:
    """Write a notebook with `note` below its title, and its frames without their players."""
    first = notebook.cells[0]
    title, _, rest = first.source.partition("\n")
    first.source = f"{title}\n\n{note}\n{rest}"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(share_players(notebook), target)


def mend_links(page: Path, source: Path, root: Path) -> None:
    """Make each link of a page lead to a page of the site, or to a file that the site carries.

    The solutions of a problem set are not on the site, so its link leads to the students' version. A
    folder is no page: its name stays. ValueError if a link leads nowhere in the checkout either.
    """

    def mended(text: str) -> str:
        return _LINK.sub(one, text)

    def one(link: re.Match[str]) -> str:
        words, leads, part = link[1], link[2], link[3] or ""
        if page.parent == source / "exercises":
            leads = re.sub("^source/", "for_students/", leads)
        target = (page.parent / leads).resolve()
        if target.is_file():
            return f"{words}({leads}{part})"
        original = root / target.relative_to(source.resolve())
        if not original.exists():
            raise ValueError(f"{page.relative_to(source)}: the link to {leads} leads nowhere")
        if original.is_dir():
            return words[1:-1]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(original, target)
        return f"{words}({leads}{part})"

    if page.suffix == ".md":
        page.write_text(mended(page.read_text(encoding="utf-8")), encoding="utf-8")
        return
    notebook = nbformat.read(page, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = mended(cell.source)
    nbformat.write(notebook, page)


def build(target: Path, work: Path, scenes: Iterable[str] = SCENES) -> int:
    """Write the site into the folder `target`; 0 if Sphinx had nothing to say against it."""
    from sphinx.cmd.build import main as sphinx_build  # only who builds the site needs it

    source = work / "site-source"
    stage(source, work / "site-kept", list(scenes))
    shutil.rmtree(target, ignore_errors=True)
    options = ["-q", "-E", "-W", "--keep-going", "-b", "html", "-d", str(work / "site-doctrees")]
    return int(sphinx_build([*options, str(source), str(target)]))


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/site"), ROOT / "build"))
