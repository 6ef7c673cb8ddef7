"""The files around the package agree with each other and with the package."""

import importlib
import os
import pkgutil
import re
import runpy
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import ptlab

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Binder's base image brings these two; see binder/requirements.txt.
FROM_BINDERS_IMAGE = {"jupyterlab", "ipywidgets", "prometheus-client"}


@pytest.mark.parametrize("name", [path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py")])
def test_a_benchmark_finds_what_it_measures(name):
    """Nothing else in the tests would notice that a name has gone from the package."""
    assert importlib.import_module(f"benchmarks.{name}").__doc__


def test_wheel_carries_data_notebooks_and_exercises(tmp_path):
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    carried = set(zipfile.ZipFile(wheel).namelist())

    in_package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "ptlab").rglob("*.*")
        if path.is_file() and not {"__pycache__", "solutions"} & set(path.parts)
    }
    notebooks = {f"ptlab/_notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    exercises = {
        f"ptlab/_notebooks/exercises/{path.parent.name}/{path.name}"
        for path in (ROOT / "exercises/source").glob("*/*.ipynb")
    }
    assert {Path(name).suffix for name in in_package} >= {".py", ".mjs", ".css", ".gz", ".txt"}
    assert "ptlab/_notebooks/00_start_here.ipynb" in notebooks
    assert {name for name in carried if ".dist-info/" not in name} == (
        in_package | notebooks | exercises
    )


def test_exercises_for_students_are_what_nbgrader_makes_of_the_source(tmp_path, monkeypatch):
    # nbgrader starts alembic, which is beside this Python and perhaps not on PATH.
    scripts = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{scripts}{os.pathsep}{os.environ['PATH']}")
    script = ROOT / "exercises/make_for_students.py"
    runpy.run_path(str(script))["make"](tmp_path / "made")

    made, committed = (
        {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*")}
        for folder in (tmp_path / "made", ROOT / "exercises/for_students")
    )
    assert committed == made, "run `make exercises`"
    assert len(made) == 6
    assert not any("BEGIN SOLUTION" in text for text in made.values())


def test_binder_pins_what_the_package_needs():
    lines = (ROOT / "binder/requirements.txt").read_text().splitlines()
    pinned = {
        pin.name: pin.specifier
        for pin in (Requirement(line) for line in lines if not line.startswith("#"))
    }
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["lab"]]
    needed = {need.name: need.specifier for need in map(Requirement, wanted)}

    assert pinned.keys() == needed.keys() - FROM_BINDERS_IMAGE
    for name, specifier in pinned.items():
        (pin,) = specifier
        assert pin.operator == "=="
        assert needed[name].contains(pin.version), f"{name}=={pin.version} is not {needed[name]}"


def test_binder_builds_on_a_python_that_the_package_supports():
    python = (ROOT / "binder/runtime.txt").read_text().strip().removeprefix("python-")
    assert SpecifierSet(PROJECT["requires-python"]).contains(python)
    # A postBuild that cannot be executed is not run, and ptlab would be missing.
    assert os.access(ROOT / "binder/postBuild", os.X_OK)


def test_changelog_begins_with_this_version():
    versions = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == ptlab.__version__


def test_whatever_names_the_version_names_this_one():
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == ptlab.__version__
    wheels = re.findall(r"ptlab-([\d.]+)-py3", (ROOT / "docs/teaching.md").read_text())
    assert set(wheels) == {ptlab.__version__}


def test_the_table_of_old_names_leads_to_names_that_exist():
    table = re.findall(r"^\| (.*`.*) \| (.*`.*) \|$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    old = [row[0] for row in table]
    assert len(table) > 50 and len(set(old)) == len(old)
    for _, now in table:
        for name in re.findall(r"`(ptlab(?:\.\w+)+)", now):
            pkgutil.resolve_name(name)


@pytest.mark.parametrize(
    "document",
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("exercises/*.md")],
    ids=lambda path: path.name,
)
def test_links_to_files_lead_somewhere(document):
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []
