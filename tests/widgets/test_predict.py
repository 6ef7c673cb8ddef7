"""A table to fill in: guesses of all sorts, the answers only when they are asked for."""

import pytest

from ptlab.widgets import Predict

ANSWERS = {
    "two pages": {"unmap_only": 12, "pt_reclaim": 8},
    "munmap": {"unmap_only": 0, "pt_reclaim": 0},
}


def shown(widget):
    """All HTML that the browser has been sent."""
    told = [str(getattr(widget, "value", ""))]
    for child in getattr(widget, "children", ()):
        told += shown(child)
    return told


def test_no_answer_is_sent_before_it_is_revealed():
    table = Predict({"row": {"column": 4711}}, unit="kB")
    assert not any("4711" in text for text in shown(table))
    assert "4711" not in repr(table)
    table.reveal()
    assert any("answer: <b>4711 kB</b>" in text for text in shown(table))


@pytest.mark.parametrize(
    ("answer", "guess", "right"),
    [
        (1024, "1024", True),
        (1024, " 1 024 kB ", True),
        (1024, "1,024", True),
        (1024, "1024.0", True),
        (1024, "1025", False),
        (1024, "a lot", False),
        (0, "0", True),
        (0, "", False),
        ("visitor", "Visitor", True),
        ("visitor", "entries", False),
        (-0.41, "-0.41", True),
    ],
)
def test_a_guess_is_read_as_people_write_it(answer, guess, right):
    table = Predict({"row": {"column": answer}}, unit="kB")
    table.guess("row", "column", guess)
    table.reveal()
    told = "".join(shown(table))
    assert ("&#x2713; right" in told) is right
    assert ("&#x2717;" in told) is (bool(guess.strip()) and not right)


def test_the_button_reveals_counts_and_starts_again():
    table = Predict(ANSWERS, unit="kB")
    table.guess("two pages", "unmap_only", "12")
    table.guess("munmap", "pt_reclaim", "8")
    button = next(w for w in table.children[1].children if hasattr(w, "click"))
    button.click()
    assert table.revealed and table.result == "1 right of 2 filled in; there are 4 cells."
    assert any(table.result in text for text in shown(table))
    assert all(field.disabled for field in table._guesses.values()), "the score stays true"
    button.click()
    assert not any(field.disabled for field in table._guesses.values())
    assert not table.revealed and table.result == "0 right of 0 filled in; there are 4 cells."
    assert not any("answer:" in text for text in shown(table))


def test_the_button_asks_for_a_guess_before_it_tells_anything():
    table = Predict(ANSWERS, unit="kB")
    button = next(w for w in table.children[1].children if hasattr(w, "click"))
    button.click()
    assert not table.revealed
    assert any("Fill in at least one cell first" in text for text in shown(table))
    assert not any("answer:" in text for text in shown(table))


def test_choices_are_offered_and_hold_the_answer():
    table = Predict({"zap": {"frees": "later"}}, choices=["at once", "later"])
    table.guess("zap", "frees", "later")
    assert table.result.startswith("1 right of 1")
    with pytest.raises(ValueError, match="'zap', 'frees': the answer 'never' is not one of"):
        Predict({"zap": {"frees": "never"}}, choices=["at once", "later"])


def test_rows_with_other_columns_are_refused():
    with pytest.raises(ValueError, match=r"row 'b' has the columns \['y'\], not \['x'\]"):
        Predict({"a": {"x": 1}, "b": {"y": 1}})


def test_a_name_in_the_table_is_text():
    table = Predict({"<b>row</b>": {"<i>column</i>": "<u>"}})
    table.reveal()
    told = "".join(shown(table))
    assert "<b>row" not in told and "<i>" not in told and "<u>" not in told
