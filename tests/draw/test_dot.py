"""The picture that Graphviz draws, and what is there without Graphviz."""

import builtins
import html
import re
import shutil

import pytest

from ptlab.cli import main
from ptlab.draw import dot
from ptlab.draw.tree import tree
from tests.support.snapshot import live_tables


def test_the_svg_has_the_ids_that_the_stepper_marks(small):
    drawn = html.unescape(dot.svg(tree(small.mm)))
    assert drawn.startswith("<svg") and drawn.endswith("</svg>")
    for table in live_tables(small):
        assert f'id="n{table}"' in drawn
    assert 'id="e-n2-n3"' in drawn


NO_GLIB = "libgobject-2.0.so.0: cannot open shared object file: No such file or directory"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ModuleNotFoundError("No module named 'pygraphviz'"), "pip install pygraphviz"),
        (ImportError(NO_GLIB), f"cannot be loaded .{NO_GLIB}.*apt install libglib2.0-0"),
    ],
    ids=["absent", "no GLib"],
)
def test_without_graphviz_there_is_a_message_and_the_text_tree(
    small, monkeypatch, capsys, error, advice
):
    real = builtins.__import__

    def without(name, *rest):
        if name == "pygraphviz":
            raise error
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(dot.NoGraphviz, match=advice):
        dot.svg(tree(small.mm))
    assert main(["lab"]) == 2, "the course has pictures"
    assert re.search(advice, capsys.readouterr().err)
    assert small._repr_svg_() is None and small._repr_html_() is None
    assert "PTE page 3" in str(small)
