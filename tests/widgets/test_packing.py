"""A packed payload is the payload, in few bytes."""

import base64
import json
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptlab
from ptlab.scenario.builtin import builtin
from ptlab.widgets import Stepper
from ptlab.widgets.packing import packed

UNPACK = Path(ptlab.__file__).parent / "widgets" / "src" / "unpack.mjs"
WHOLE_STORIES = [
    name
    for name, one in builtin().items()
    if one.group == "teaching" and name != "cover-letter"  # which is too long for a story
]
leaves = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=3)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=12)
        | st.dictionaries(st.sampled_from(["a", "b", "places", "fields"]), inner, max_size=3)
        | st.builds(lambda item: [item] * 10, inner)
    ),
    max_leaves=30,
)


def unpacked(*texts: str) -> list[Any]:
    """What the front end makes of packed values, asked of node."""
    if shutil.which("node") is None:
        pytest.skip("there is no node here to unpack with")
    given_ = [json.loads(zlib.decompress(base64.b64decode(text))) for text in texts]
    program = (
        f"import {{ unpack }} from {json.dumps(UNPACK.as_uri())};"
        "process.stdout.write(JSON.stringify(JSON.parse(process.argv[1]).map(unpack)));"
    )
    command = ["node", "--input-type=module", "--eval", program, json.dumps(given_)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    found: list[Any] = json.loads(done.stdout)
    return found


@settings(max_examples=4)  # each starts node once
@given(several=st.lists(values, min_size=30, max_size=60))
def test_the_front_end_unpacks_what_was_packed(several):
    assert unpacked(*map(packed, several)) == several


@pytest.mark.parametrize("name", WHOLE_STORIES)
def test_a_story_in_a_notebook_takes_less_than_150_kb(name):
    shown = Stepper(ptlab.story(name, "pte_refcount").payload())._repr_mimebundle_()
    assert len(shown[0]["text/html"].encode()) < 150_000
