"""In a notebook a widget leaves two outputs: itself, and the page that is seen without a kernel."""

from typing import Any

import pytest

from ptlab.draw.palette import as_data
from ptlab.widgets import Stepper, outputs
from ptlab.widgets.designs import Designs
from ptlab.widgets.guess import Guess

CHOICES = {"halves": "half of each table"}
LOOK = {"palette": as_data(), "glossary": []}


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What is published, as in a kernel."""
    seen: list[tuple[dict[str, Any], dict[str, Any]]] = []
    monkeypatch.setattr(outputs, "in_notebook", lambda: True)
    monkeypatch.setattr(
        outputs, "_publish", lambda data, metadata=None, **options: seen.append((data, options))
    )
    return seen


def test_the_page_is_an_output_of_its_own(published: Any, payload: dict[str, Any]) -> None:
    Stepper(payload)._ipython_display_()
    (widget, _), (page, _) = published
    assert outputs.VIEW in widget and "text/html" not in widget
    assert list(page) == ["text/html"] and "ptlab-late" in page["text/html"]


def test_a_terminal_is_asked_for_another_form(payload: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        Stepper(payload)._ipython_display_()
    with pytest.raises(NotImplementedError):
        outputs.display_in_notebook(lambda: pytest.fail("nothing is made for a terminal"))


def test_answers_are_in_the_page_but_not_in_clear(published: Any) -> None:
    asked = Guess("How much?", lambda: 4711, unit="kB")
    asked._ipython_display_()
    asked.show_me()
    (_, (first, _), (later, again)) = published
    for page in first["text/html"], later["text/html"]:
        assert "How much?" in page and "4711" not in page
    assert again["update"], "a notebook that is saved now has the answer"


def test_the_page_of_a_panel_shows_what_was_measured_last(published: Any) -> None:
    report = "<table>520 kB</table>"
    panel = Designs(CHOICES, ["one"], lambda *_: report, "halves", ["one"], **LOOK)
    panel._ipython_display_()
    panel.start()
    panel.wait()
    (_, (first, at), (later, again)) = published
    assert "No design is measured yet" in first["text/html"]
    assert "520 kB" in later["text/html"] and again["update"]
    assert again["transient"] == at["transient"]


def test_a_program_that_collects_outputs_gets_measured_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("outputs", "designs"):
        monkeypatch.setattr(f"ptlab.widgets.{module}.runs_widgets", lambda: False)
    report = "<table>520 kB</table>"
    panel = Designs(CHOICES, ["one"], lambda *_: report, "halves", ["one"], **LOOK)
    made = panel._repr_mimebundle_()
    assert made is not None and "520 kB" in made[0]["text/html"] and outputs.VIEW not in made[0]
