"""A question as a learner meets it: in a page, and in a notebook."""

import pytest

from ptlab.widgets.guess import Guess

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser


@pytest.fixture
def shown(page, tmp_path, monkeypatch):
    """Show questions in a page of their own, as a site does."""
    monkeypatch.setattr("ptlab.widgets.guess.runs_widgets", lambda: False)

    def show(*asked):
        pages = "".join(f"<div>{one._page()}</div>" for one in asked)
        path = tmp_path / "page.html"
        path.write_text(
            f"<!doctype html><html lang=en><title>t</title><main><h1>t</h1>{pages}</main>"
        )
        page.goto(path.as_uri())
        frames = [page.frame_locator("iframe").nth(k) for k in range(len(asked))]
        for frame in frames:  # a frame draws itself after the page has been loaded
            frame.get_by_role("button", name="Check").wait_for()
        return frames

    return show


def test_what_is_typed_is_read_as_people_write_it(shown):
    (frame,) = shown(Guess("How many?", lambda: 1024, unit="kB"))
    field, said = frame.get_by_role("textbox"), frame.get_by_role("status")
    check = frame.get_by_role("button", name="Check")
    check.click()
    assert "Write a guess first" in said.inner_text()
    for typed, reply in {
        "abc": "is not a number",
        "1 MB": "has the unit MB. The answer is asked in kB",
        "12,5": "write 12.5",
        "1024 k": "has the unit k",
        "1..2": "is not a number",
    }.items():
        field.fill(typed)
        field.press("Enter")
        assert reply in said.inner_text() and "not counted" in said.inner_text()
        assert field.is_enabled() and not frame.locator("b").count(), "no answer was shown"
    for typed in ("1024", "1,024", " 1 024 kB ", "0x400", "1024.0", "1.024e3", "1_024KB"):
        field.fill(typed)
        check.click()
        assert said.inner_text() == "As you guessed.", typed
        frame.get_by_role("button", name="Start again").click()
    field.fill("1023")
    check.click()
    assert "Compare the two" in said.inner_text()
    assert frame.locator(".ptlab-guess-one").inner_text().split() == [
        "kB",
        "✗",
        "answer:",
        "1024",
        "kB",
    ]


def test_a_table_is_tried_again_with_a_score(shown, page):
    ends = {"a": {"then": "stays", "now": "goes"}, "b": {"then": "stays", "now": "stays"}}
    (frame,) = shown(
        Guess(
            "Which?",
            lambda: ends,
            choices=["stays", "goes"],
            rows=ends,
            columns=ends["a"],
            why="<p>It is so.</p>",
        )
    )
    for field in frame.get_by_role("combobox").all():
        field.select_option("stays")
    frame.get_by_role("button", name="Check").click()
    said = frame.get_by_role("status")
    assert said.inner_text().startswith("3 of 4 right.")
    assert "answer:" not in frame.locator("table").inner_text()
    enabled = [field for field in frame.get_by_role("combobox").all() if field.is_enabled()]
    assert [field.get_attribute("aria-label") for field in enabled] == ["a: now"]
    assert not frame.get_by_role("group", name="Explanation").is_visible()
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    enabled[0].select_option("goes")
    frame.get_by_role("button", name="Check").click()
    assert said.inner_text() == "4 of 4 right."
    assert frame.get_by_role("group", name="Explanation").inner_text() == "It is so."


def test_a_page_keeps_what_was_guessed_over_a_reload(shown, page):
    answered, typed = shown(Guess("How many?", lambda: 1024), Guess("And then?", lambda: 1))
    answered.get_by_role("textbox").fill("12")
    answered.get_by_role("button", name="Check").click()
    typed.get_by_role("textbox").fill("7")
    page.reload()
    answered.get_by_text("answer: 1024").wait_for()
    assert answered.get_by_role("textbox").input_value() == "12"
    playwright.expect(typed.get_by_role("textbox")).to_have_value("7")
    assert typed.get_by_role("button", name="Check").is_visible(), "nothing is judged yet"
    answered.get_by_role("button", name="Start again").click()
    page.reload()
    playwright.expect(typed.get_by_role("textbox")).to_have_value("7")
    assert answered.get_by_role("textbox").input_value() == ""


def test_a_choice_is_made_by_a_click_on_its_picture(shown, page):
    box = "<g data-choice={}><rect x={} width=40 height=40 /></g>"
    picture = f"<svg>{box.format(0, 0)}{box.format(1, 60)}</svg>"
    (frame,) = shown(Guess("Which?", lambda: "left", choices=["left", "right"], picture=picture))
    left, right = frame.locator("[data-choice]").all()
    right.click()
    assert frame.get_by_role("combobox").input_value() == "right"
    assert right.get_attribute("class") == "is-picked"
    left.click()
    frame.get_by_role("combobox").select_option("right")  # as keys do
    assert right.get_attribute("class") == "is-picked" and not left.get_attribute("class")
    frame.get_by_role("button", name="Check").click()
    assert "is-answer" in left.get_attribute("class")
    left.click()
    assert frame.get_by_role("combobox").input_value() == "right", "what was answered stays"
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_notebook_explains_afterwards_and_keeps_what_was_guessed(lab, page):
    lab.write(
        "guess.ipynb",
        "from ptlab.widgets.guess import Guess\n"
        "why = '<p>See <a href=\"https://lore.kernel.org\">the mail</a>.</p>'\n"
        "Guess('How many?', lambda: 1024, unit='kB', why=why)",
    )
    lab.open_notebook("guess.ipynb")
    lab.run_all()
    guess = page.locator(".ptlab-guess")
    why = guess.get_by_role("group", name="Explanation")
    assert "1024" not in guess.inner_text() and not why.is_visible()
    guess.get_by_role("textbox").fill("12")
    guess.get_by_role("button", name="Check").click()
    guess.get_by_text("1024 kB").wait_for()
    assert why.get_by_role("link", name="the mail").get_attribute("target") == "_blank"
    found = axe.Axe().run(page, context=".ptlab-guess")
    assert found.violations_count == 0, found.generate_report()
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.reload()
    guess.get_by_text("1024 kB").wait_for()
    assert guess.get_by_role("textbox").input_value() == "12" and why.is_visible()
    # A JupyterLab that has been loaded again opens this notebook once more.
    page.goto("about:blank")
