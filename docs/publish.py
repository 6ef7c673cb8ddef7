"""Write the address of the published repository into the files that name it.

    make publish REPO=owner/name

README.md gets its Binder badge and the line that clones, docs/teaching.md that line too, pyproject.toml
the project's addresses, CITATION.cff the repository. In the README of a package, links and pictures then
lead to the repository (hatch_readme.py). Without an address no file has a link that leads nowhere: the
README then starts in a checkout. The command may be given again, with another address.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_CLONE = re.compile(r"^\$ (?:cd ptlab|git clone \S+ && cd \S+)$", re.MULTILINE)
_BADGE = re.compile(r"(?<=<!-- badge -->\n)(?:\[!.*\n)?(?=<!-- /badge -->)")
_URLS = re.compile(r"\[project\.urls\]\n(?:.+\n)+\n")
_CODE = re.compile(r"^repository-code: .*\n", re.MULTILINE)
_BINDER = "https://mybinder.org"


def publish(repo: str, root: Path = ROOT) -> None:
    """Write `repo`, "owner/name" at github.com, into the files below `root`. ValueError: not that."""
    if not _REPO.fullmatch(repo):
        raise ValueError(f"REPO={repo!r}: give the owner and the name, such as REPO=someone/ptlab")
    address, name = f"https://github.com/{repo}", repo.split("/")[1]
    version = re.search(r'__version__ = "(.+)"', (root / "ptlab/__init__.py").read_text())
    assert version, "ptlab/__init__.py has the version"
    badge = (
        f"[![Open in Binder]({_BINDER}/badge_logo.svg)]({_BINDER}/v2/gh/{repo}/v{version[1]}"
        "?urlpath=lab/tree/notebooks/00_start_here.ipynb)\n"
    )
    clone = f"$ git clone {address} && cd {name}"
    urls = (
        f'[project.urls]\nHomepage = "{address}"\nSource = "{address}"\n'
        f'Issues = "{address}/issues"\nChangelog = "{address}/blob/main/CHANGELOG.md"\n\n'
    )
    _edit(root / "README.md", (_BADGE, badge), (_CLONE, clone))
    _edit(root / "docs/teaching.md", (_CLONE, clone))
    project = (root / "pyproject.toml").read_text()
    if "[project.urls]" not in project:
        project = project.replace("[project.scripts]\n", f"{urls}[project.scripts]\n", 1)
    (root / "pyproject.toml").write_text(_URLS.sub(lambda _: urls, project))
    tomllib.loads((root / "pyproject.toml").read_text())
    citation = _CODE.sub("", (root / "CITATION.cff").read_text())
    (root / "CITATION.cff").write_text(f'{citation}repository-code: "{address}"\n')


def _edit(path: Path, *changes: tuple[re.Pattern[str], str]) -> None:
    """Put each text in the one place that its pattern finds."""
    text = path.read_text()
    for pattern, new in changes:
        text, count = pattern.subn(lambda _, new=new: new, text)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"{path}: {count} places for {new.strip()!r}; one was expected")
    path.write_text(text)


if __name__ == "__main__":
    try:
        publish(sys.argv[1] if len(sys.argv) > 1 else "")
    except ValueError as error:
        sys.exit(f"publish: {error}")
