"""A payload of three positions, with as little in it as there may be."""

from typing import Any

import pytest

from ptlab.widgets.payload import SCHEMA

INTERFACE = {name: {"light": "white", "dark": "black"} for name in ("ground", "quiet")}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><title>a tree</title></svg>'


@pytest.fixture
def payload() -> dict[str, Any]:
    step = {"process": 0, "kind": "", "fn": "", "calls": 0, "text": "", "event": False}
    step |= {"focus": [], "entries": None}
    return {
        "schema": SCHEMA,
        "title": "A title with </script> & <b>",
        "panes": [
            {
                "name": "unmap_only",
                "heading": "unmap_only on Linux 6.1",
                "fate": "Linux until 6.13",
                "height": 9,
                "still": {"svg": SVG, "text": "A tree."},
                "steps": [step | {"op": -1}, step | {"op": 0}, step | {"op": 0}],
                "ops": ["mmap s0 2M"],
                "nodes": {},
                "entries": {},
                "locks": [],
                "mappings": [],
                "processes": [{"name": "", "counters": [], "timeline": []}],
            }
        ],
        "frames": [[0], [1], [2]],
        "flags": [],
        "columns": [],
        "box_height": 46,
        "functions": [],
        "calls": [[]],
        "palette": {"kinds": {}, "none": "", "levels": {}, "interface": INTERFACE},
        "glossary": [{"forms": ["entry", "entries"], "text": "A word of a table."}],
    }
