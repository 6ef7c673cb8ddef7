"""The front end: real modules, bundled, that take no sentence apart."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WIDGETS = ROOT / "ptlab" / "widgets"
SOURCES = sorted((WIDGETS / "src").iterdir())
BUNDLES = ("stepper.js", "scheduler.js", "guess.js", "designs.js")
READS_WHAT_IS_TYPED = ("address.mjs", "reading.mjs")


@pytest.mark.parametrize("bundle", BUNDLES)
def test_a_bundle_is_made_of_the_sources_that_are_there(bundle):
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()[:16]
    first = (WIDGETS / "static" / bundle).read_text(encoding="utf-8").partition("\n")[0]
    assert first.endswith(digest), "the sources have changed: run `make front-end`"


def test_bundling_again_gives_the_same(tmp_path):
    if shutil.which("npx") is None and os.environ.get("PTLAB_REQUIRE_BROWSER") != "1":
        pytest.skip("there is no npx here, so the front end cannot be bundled")
    subprocess.run(["make", "front-end", f"OUT={tmp_path}"], cwd=ROOT, check=True)
    for bundle in BUNDLES:
        assert (tmp_path / bundle).read_bytes() == (WIDGETS / "static" / bundle).read_bytes()


@pytest.mark.parametrize("bundle", BUNDLES)
def test_a_bundle_needs_no_second_file_and_no_network(bundle):
    text = (WIDGETS / "static" / bundle).read_text(encoding="utf-8")
    assert not re.search(r"^import\b|\bimport\(", text, re.MULTILINE)
    assert "</script" not in text
    assert set(re.findall(r"https?://[^\"'` ]*", text)) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize(
    "source",
    [path for path in SOURCES if path.name not in READS_WHAT_IS_TYPED],
    ids=lambda path: path.name,
)
def test_no_module_takes_a_text_apart(source):
    """Texts of a payload are shown as they are. What the front end must know is a field of its own.

    terms.mjs finds the words that it underlines, and learns nothing from them; address.mjs and
    reading.mjs read what a learner types.
    """
    apart = re.compile(r"\.(endsWith|startsWith|match|search|split|replace|exec|test)\(|RegExp")
    if source.name == "terms.mjs":
        apart = re.compile(r"\.(endsWith|startsWith|match|search|replace|exec|test)\(")
    lines = [line.strip() for line in source.read_text().splitlines() if apart.search(line)]
    assert lines == []
