"""The floors of the house: a package imports only from those beneath it, and no circle anywhere.

Imports for types only and imports inside functions count too. The one exception is named below.
"""

import ast
import graphlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ptlab"
FLOORS = (
    *("base", "state", "paths", "schemes", "draw", "process", "scenario", "widgets", "story"),
    *("costs", "race", "kernels", "observe", "trace", "course", "classroom", "cli"),
)
"""From the ground up. docs/architecture.md says what is on each."""


def modules():
    """Every module of the package: its dotted name and its file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports_of(name, path):
    """What a module imports of ptlab: the module that has each name."""
    known = dict(modules())
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                package = name if path.name == "__init__.py" else name.rpartition(".")[0]
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                origin = ".".join([*above, *filter(None, [node.module])])
            else:
                origin = node.module or ""
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                if inner in known or origin in known:
                    yield inner if inner in known else origin


IMPORTS = {name: set(imports_of(name, path)) - {name} for name, path in modules()}


def floor(name):
    """The package that a module lies in; None for the root."""
    return name.split(".")[1] if name.count(".") else None


def test_the_folders_are_the_floors():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders == set(FLOORS)
    assert len(list(PACKAGE.glob("*.py"))) <= 8


@pytest.mark.parametrize("package", FLOORS)
def test_a_floor_imports_only_from_the_floors_beneath_it(package):
    allowed = set(FLOORS[: FLOORS.index(package) + 1])
    upward = {
        f"{name} -> {other}"
        for name, others in IMPORTS.items()
        if floor(name) == package
        for other in others
        if floor(other) not in allowed and not (package == "cli" and other == "ptlab")
    }
    assert upward == set()


def test_no_file_imports_itself_in_a_circle():
    # A package's own __init__ only lists what is in it, so an import of the package is not followed.
    inner = {name: others - {"ptlab"} for name, others in IMPORTS.items() if name != "ptlab"}
    list(graphlib.TopologicalSorter(inner).static_order())


@pytest.mark.parametrize("package", FLOORS)
def test_each_floor_says_what_is_in_it(package):
    text = ast.get_docstring(ast.parse((PACKAGE / package / "__init__.py").read_text())) or ""
    assert len(text.splitlines()) >= 8, "what is in it, the reading order, its one idea, its limits"


def test_the_engines_integers_have_64_bits_by_name():
    # numpy's own have 32 where a pointer has, as in a browser, and a page's number needs more.
    unnamed = [
        f"{name}:{node.lineno}"
        for name, path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.arange"
        if "dtype" not in {keyword.arg for keyword in node.keywords}
    ]
    assert unnamed == []
