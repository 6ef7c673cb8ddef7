"""One palette: it has everything that is drawn, and everything in it can be seen."""

import re
from pathlib import Path

import pytest

from ptlab.base import geometry
from ptlab.draw import palette
from ptlab.state.memmap import State

PTLAB = Path(palette.__file__).parents[1]
TONES = {name: kind.tone for name, kind in palette.KINDS.items()}


def luminance(colour):
    """How bright a colour is, as WCAG 2 defines it."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(c * weight for c, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one, other):
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_every_kind_of_entry_can_be_seen_on_both_grounds(ground):
    behind = getattr(palette.GROUND, ground)
    for name, tone in TONES.items():
        assert contrast(getattr(tone, ground), behind) >= 3, name
    for name, tone in palette.LEVELS.items():
        assert contrast(getattr(palette.INK, ground), getattr(tone, ground)) >= 7, name


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_what_is_around_the_pictures_can_be_read_on_both_grounds(ground):
    tone = {name: getattr(one, ground) for name, one in palette.INTERFACE.items()}
    for name in ("ink", "quiet", "accent", "change", "walk"):
        for behind in ("ground", "card"):
            assert contrast(tone[name], tone[behind]) >= 4.5, (name, behind)
    assert contrast(tone["on-accent"], tone["accent"]) >= 4.5
    for level in palette.LEVELS.values():
        for name in ("quiet", "walk"):
            assert contrast(tone[name], getattr(level, ground)) >= 4.5, name


def test_lines_of_a_chart_can_be_seen_on_both_grounds():
    for colour in palette.SERIES:
        assert min(contrast(colour, ground) for ground in palette.GROUND) >= 3, colour


def test_no_two_kinds_share_a_colour_a_mark_or_a_meaning():
    for part in ("tone", "mark", "meaning"):
        values = {getattr(kind, part) for kind in palette.KINDS.values()}
        assert len(values) == len(palette.KINDS), part


def test_the_palette_has_every_level_and_every_state():
    assert palette.LEVELS.keys() == {level.name for level in geometry.Level}
    assert palette.STATES.keys() == {state.name.lower() for state in State}


def test_every_kind_of_entry_has_a_style():
    css = (PTLAB / "widgets" / "static" / "stepper.css").read_text(encoding="utf-8")
    for kind in palette.KINDS:
        assert f".ptlab .kind-{kind} {{ fill: var(--of-{kind}); }}" in css
    for level in palette.LEVELS:
        assert f"--box: var(--of-{level})" in css
    for part in palette.INTERFACE:
        assert f"var(--of-{part}" in css


def test_no_module_has_colours_of_its_own():
    """Grey and white around a chart, for pages without a theme, are no colours."""
    colour = re.compile(r"#[0-9a-fA-F]{6}\b|light-dark\(#")
    widgets = PTLAB / "widgets"
    modules = [*PTLAB.rglob("*.py"), *(widgets / "src").glob("*.mjs"), widgets / "page.html"]
    modules += widgets.glob("static/*.css")
    assert [m.name for m in modules if colour.search(m.read_text(encoding="utf-8"))] == [
        "palette.py"
    ]
