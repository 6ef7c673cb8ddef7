"""Build the course as a JupyterLite, in which Python runs in the browser: `python -m docs.site.lite`.

build/lite is a folder for any web server: JupyterLab, the notebooks, and wheels of ptlab and of all that
it needs, but for numpy. Python itself (Pyodide) and numpy come from Pyodide's distribution when a
notebook is opened; nothing else comes from elsewhere. Each notebook begins with a cell that installs
ptlab. docs/where_it_runs.md says what of this was tried.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]
PURE = (
    *(
        "anywidget",
        "comm",
        "graphviz",
        "ipywidgets",
        "jupyterlab-widgets",
        "markdown-it-py",
        "mdurl",
    ),
    *(
        "prometheus-client",
        "psygnal",
        "pygments",
        "rich",
        "typing-extensions",
        "widgetsnbextension",
    ),
)
"""What ptlab needs there besides numpy and IPython; all of it plain Python."""
EXTENSIONS = (
    "@jupyter-widgets/jupyterlab-manager",
    "@jupyterlite/pyodide-kernel-extension",
    "anywidget",
)
INSTALL = "%pip install -q ptlab  # into this page; Python and numpy are loaded once, some 15 MB"


def wheels(folder: Path) -> None:
    """Put the wheel of ptlab, and those of PURE, into `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT], check=True)
    plain = ["--only-binary=:all:", "--implementation=py", "--abi=none", "--platform=any"]
    subprocess.run(
        [*pip, "download", "--no-deps", *plain, "--python-version=3.14", "--dest", folder, *PURE],
        check=True,
    )


def contents(folder: Path) -> None:
    """Put the course and the problem sets into `folder`, each with the cell INSTALL at its top."""
    shutil.rmtree(folder, ignore_errors=True)
    sources = {path: path.name for path in ROOT.glob("notebooks/*.ipynb")} | {
        path: f"exercises/{path.name}" for path in ROOT.glob("exercises/for_students/*/*.ipynb")
    }
    for path, name in sources.items():
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.insert(1, nbformat.v4.new_code_cell(INSTALL, id="install"))
        notebook.metadata.kernelspec = {"name": "python", "display_name": "Python (Pyodide)"}
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, folder / name)


def build(target: Path, work: Path) -> None:
    """Write the JupyterLite into the folder `target`."""
    wheels(work / "wheels")
    contents(work / "contents")
    shutil.rmtree(target, ignore_errors=True)
    labextensions = Path(sys.prefix) / "share/jupyter/labextensions"
    config = {
        "LiteBuildConfig": {
            "contents": [str(work / "contents")],
            "output_dir": str(target),
            "ignore_sys_prefix": ["federated_extensions"],
            "federated_extensions": [str(labextensions / name) for name in EXTENSIONS],
            "no_sourcemaps": True,
        },
        "PipliteAddon": {
            "piplite_urls": [str(path) for path in sorted((work / "wheels").iterdir())]
        },
    }
    kernel = {"disablePyPIFallback": True}
    settings = {"litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": kernel}}
    page = {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {"appName": "ptlab", **settings},
    }
    (work / "jupyter_lite_config.json").write_text(json.dumps(config))
    (work / "jupyter-lite.json").write_text(json.dumps(page))
    command = [sys.executable, "-m", "jupyter", "lite", "build", "--lite-dir", str(work)]
    subprocess.run(command, check=True, cwd=work)


if __name__ == "__main__":
    build(ROOT / "build/lite", ROOT / "build/lite-work")
