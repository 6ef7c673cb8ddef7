"""One palette and one set of marks, for trees, entry grids, strips, charts and plots.

The accents are those of Okabe and Ito, made darker or lighter until they have a contrast of 3:1 to
the ground. People with any kind of colour vision can distinguish them. Colour is never alone: each
kind of entry has a mark and a word too, and each state of a table has a line style and a word. The
front end gets all of it in the payload.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Tone(NamedTuple):
    """One colour: on a light ground, and on a dark one."""

    light: str
    dark: str


class Kind(NamedTuple):
    """A kind of entry, as ptlab.base.pte.kind() names it.

    meaning  in words, after "this entry"
    mark     its shape in a cell of 14 by 14: strokes of an SVG path, each from a point (x, y) on
    """

    tone: Tone
    meaning: str
    mark: tuple[tuple[int, int, str], ...]


KINDS = {
    "page": Kind(Tone("#0072b2", "#56b4e9"), "maps a page", ((2, 2, "h10v10h-10z"),)),
    "file": Kind(Tone("#00785a", "#3fc79f"), "maps a page of a file", ((2, 2, "h7l3 3v7h-10z"),)),
    "huge": Kind(Tone("#b37400", "#e69f00"), "maps a huge page of 2 MiB", ((1, 1, "h12v12h-12z"),)),
    "table": Kind(Tone("#5f6b7a", "#a3afbd"), "points to a lower table", ((2, 2, "h10l-5 10z"),)),
    "zero": Kind(
        Tone("#3a8fc8", "#9bd3f5"),
        "maps the shared zero page",
        ((2, 2, "h10v10h-10z"), (4, 4, "v6h6v-6z")),
    ),
    "swap": Kind(Tone("#b65a8f", "#e08fbd"), "swapped out", ((2, 12, "v-4l6 -6h4v4l-6 6z"),)),
    "marker": Kind(Tone("#000000", "#ffffff"), "marker, no page", ((7, 3, "l4 4l-4 4l-4 -4z"),)),
    "protnone": Kind(
        Tone("#d55e00", "#ff8a4c"),
        "page that may not be accessed",
        ((2, 3, "h10v2h-10z"), (2, 9, "h10v2h-10z")),
    ),
}
"""The kinds of entries that are not none."""

NONE = "none"
NONE_MEANING = "empty, all 64 bits are zero"

LEVELS = {
    "PGD": Tone("#f0ebf9", "#262231"),
    "P4D": Tone("#f0ebf9", "#262231"),
    "PUD": Tone("#e7eff9", "#1d2733"),
    "PMD": Tone("#e6f3ee", "#1b2a26"),
    "PTE": Tone("#fdf5e3", "#2d281b"),
}
"""The tint of a table of each level."""


class TableState(NamedTuple):
    """A state of a table. Its key in STATES is the name of its State, in small letters.

    line  what the box of such a table says; "" where the box has numbers instead, or is not seen
    word  what a fold says of such tables: "3 waiting for RCU"
    edge  how the line from the parent is drawn: "live", "cut" or "absent"
    """

    line: str
    word: str
    edge: str


STATES = {
    "absent": TableState("", "absent", "absent"),
    "new": TableState("not in the tree", "new", "absent"),
    "live": TableState("", "live", "live"),
    "unhooked": TableState("waits for flush", "unhooked", "cut"),
    "rcu": TableState("waits for RCU", "waiting for RCU", "cut"),
    "freed": TableState("freed", "freed", "cut"),
    "deposited": TableState("in reserve for a split", "in reserve", "cut"),
}

GROUND = Tone("#ffffff", "#16181c")
INK = Tone("#1b1f24", "#e8eaee")
LINE = KINDS["table"].tone
"""Frames of tables and the lines between them."""

INTERFACE = {
    "ground": GROUND,
    "ink": INK,
    "quiet": Tone("#565d68", "#a9b1bd"),
    "rule": Tone("#d3d8df", "#454b55"),
    "card": Tone("#f6f8fa", "#22262c"),
    "accent": Tone("#005a94", "#6cc0f5"),
    "on-accent": Tone("#ffffff", "#06233a"),
    "change": Tone("#b84a00", "#ff9a52"),
    "walk": Tone("#7a3fb0", "#c79bf2"),
}
"""What is around the pictures: text, rules, buttons; what a step changes; the way of an address."""

SERIES = ("#2878c8", "#c2601a", "#2f8f46", "#9a56c4", "#cf3f72", "#0f8f86", "#9b6b4a", "#6b7f8c")
"""Lines of a chart, which have to be seen on both grounds; each has a dash of its own too."""


def as_data() -> dict[str, Any]:
    """The palette as the payload carries it."""
    return {
        "kinds": {
            name: {**kind.tone._asdict(), "meaning": kind.meaning, "mark": kind.mark}
            for name, kind in KINDS.items()
        },
        "none": NONE_MEANING,
        "levels": {name: tone._asdict() for name, tone in LEVELS.items()},
        "interface": {name: tone._asdict() for name, tone in INTERFACE.items()},
        "edges": {name: state.edge for name, state in STATES.items()},
    }
