"""The questions of the course: each is explained, and nothing of it can be read before the answer."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from ptlab import MiB, Process, TiB
from ptlab.base.geometry import Level
from ptlab.course import Guess
from ptlab.course.guess import WHY, explanation, explanations

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def code_of(path):
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def questions(source):
    """Each Guess of a cell: its question, and the name of its explanation."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id == "Guess":
            named = {word.arg: word.value for word in call.keywords}
            yield ast.unparse(call.args[0]), getattr(named.get("why"), "value", None)


def test_an_explanation_is_found_by_its_name_and_comes_after_the_answer():
    asked = Guess("How many?", lambda: 4, why="01/reads")
    assert asked.why == ""
    asked.show_me()
    assert "one entry in each table" in asked.why and asked.why.startswith("<p>")
    assert Guess("How many?", lambda: 4).why == ""


@pytest.mark.parametrize("graphviz", [True, False])
def test_a_table_of_a_process_is_chosen_in_its_picture_or_in_a_list(graphviz, monkeypatch):
    if not graphviz:
        monkeypatch.setattr("ptlab.draw.dot._drawn", lambda *_: None)
    p = Process()
    heap = p.mmap(4 * MiB, at=16 * TiB)
    p.touch(heap)
    asked = Guess("Which table?", lambda: p.mm.lookup(heap + 2 * MiB, Level.PTE), tree=p)
    assert asked.choices == ["PGD page 0", "PUD page 1", "PMD page 2", "PTE page 3", "PTE page 4"]
    assert re.findall(r'data-choice="(\d)"', asked.picture) == ["0", "1", "2", "3", "4"]
    asked.show_me()
    assert asked.answers == {"": "PTE page 4"}
    gone = Guess("Which table?", lambda: 77, tree=p)
    gone.show_me()
    assert "'no table of this process', not one of" in gone.problem


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("01/rads", r"why='01/rads': ptlab/course/why/01\.md explains reads, indices"),
        ("77/reads", r"why='77/reads': ptlab/course/why/77\.md explains nothing"),
    ],
)
def test_an_explanation_that_is_not_there_is_refused(name, said):
    with pytest.raises(ValueError, match=said):
        Guess("How many?", lambda: 4, why=name)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_question_is_explained_once_and_every_explanation_is_asked(path):
    number = path.name[:2]
    asked = [one for source in code_of(path) for one in questions(source)]
    assert sorted(str(why) for _, why in asked) == sorted(
        f"{number}/{k}" for k in explanations(number)
    )
    assert len({question for question, _ in asked}) == len(asked), "no question is asked twice"


@pytest.mark.parametrize("path", sorted(WHY.glob("*.md")), ids=lambda path: path.stem)
def test_an_explanation_leads_outside_by_whole_addresses_only(path):
    # It is shown in notebooks, in frames and on a site, each of which lies elsewhere.
    for name in explanations(path.stem):
        found = re.findall(r'href="([^"]*)"', explanation(f"{path.stem}/{name}"))
        assert [link for link in found if not link.startswith("https://")] == [], name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_begins_at_once_and_hides_nothing_in_its_text(path):
    first, *_ = code_of(path)
    assert len(first.splitlines()) <= 3
    text = path.read_text(encoding="utf-8")
    assert "<details" not in text and "my_guess" not in text and "Predict" not in text
