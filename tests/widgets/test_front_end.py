"""A program that only collects outputs gets the page that plays by itself; a person gets the widget."""

import subprocess
import sys
import types

import IPython.core.getipython
import pytest

from ptlab.widgets import Stepper
from ptlab.widgets.front_end import runs_widgets

VIEW = "application/vnd.jupyter.widget-view+json"


def executed(monkeypatch, metadata):
    """As in a kernel that executes a cell, asked to by a program that sends this metadata."""
    parent = {"header": {"msg_type": "execute_request"}, "metadata": metadata}
    kernel = types.SimpleNamespace(get_parent=lambda channel: parent)
    shell = types.SimpleNamespace(kernel=kernel)
    monkeypatch.setattr(IPython.core.getipython, "get_ipython", lambda: shell)


def test_without_a_kernel_somebody_looks():
    assert runs_widgets()


def test_in_a_jupyterlite_somebody_looks(monkeypatch):
    shell = types.SimpleNamespace(kernel=types.SimpleNamespace(get_parent=lambda: None))
    monkeypatch.setattr(IPython.core.getipython, "get_ipython", lambda: shell)
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert runs_widgets()


@pytest.mark.parametrize(
    ("metadata", "server", "shown"),
    [({"cellId": "a"}, "", True), ({}, "", False), ({}, "voila/0.5", True)],
    ids=["JupyterLab", "nbconvert", "Voila"],
)
def test_the_widget_is_left_out_where_nobody_runs_it(monkeypatch, payload, metadata, server, shown):
    executed(monkeypatch, metadata)
    monkeypatch.setenv("SERVER_SOFTWARE", server)
    data, _ = Stepper(payload)._repr_mimebundle_()
    assert (VIEW in data) == shown
    assert "<iframe" in data["text/html"]


def test_who_shows_nothing_waits_for_no_widget():
    """ipywidgets takes a fifth of the time of loading a story."""
    loaded = "import sys, ptlab; ptlab.story; print(*sorted(sys.modules))"
    out = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert "ptlab.widgets" in out.stdout.split()
    assert not {"ipywidgets", "anywidget", "IPython"} & set(out.stdout.split())
