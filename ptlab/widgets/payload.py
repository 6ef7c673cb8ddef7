"""What the front end is given: a payload. It is plain data, so that it can be sent as JSON.

A payload is a picture that was laid out once, and tracks: what changes, and at which steps. A step
shows, of each track, the last record whose `step` is not larger. Texts are only shown, never taken
apart: everything that the front end has to know is a field of its own.

Read Payload first, then Pane, Node and Look. `schema` is raised whenever a field changes its meaning.
"""

from typing import Any, NotRequired, TypedDict

SCHEMA = 6


class Look(TypedDict):
    """A table from `step` on.

    state   "absent", "new", "live", "unhooked", "rcu", "freed" or "deposited"
    number  its references, or where none are counted its entries; None while it is not in the tree
    line    in words, such as "3 = 2 entries + 1 visitor"
    strip   its entries that are not none, as spans [from, to, kind) of the 512; kinds are those of
            `palette`
    """

    step: int
    state: str
    number: int | None
    line: str
    strip: list[tuple[int, int, str]]


class Place(TypedDict):
    """Where a table hangs from `step` on: the node above it, the slot there, its first address."""

    step: int
    parent: str | None
    slot: int | None
    base: str


class Node(TypedDict):
    """A table of the picture, or a fold: several tables that look alike, drawn as one.

    process     which process it belongs to
    places      where it hangs; more than one if it is moved
    fold        how many tables it stands for; None for a table
    inside      the fold that the table is in, or that it hangs below; it is drawn when it is looked at,
                or the box of its column, with this `inside` and a `fold`, when a step changes several
    entry_size  bytes that one entry maps
    x, y        the top left corner of its box
    """

    level: str
    title: str
    process: int
    places: list[Place]
    fold: int | None
    inside: str | None
    entry_size: int
    x: int
    y: int
    track: list[Look]


class EntryChange(TypedDict):
    """At `step`, entries `first` to `last` - 1 of a table become `word`, `word` + `grows`, ..."""

    step: int
    first: int
    last: int
    word: str
    grows: str
    kind: str


class Lock(TypedDict):
    """A lock that is held. table: the node whose lock it is, or None."""

    name: str
    mode: str
    table: str | None
    text: str


class Locks(TypedDict):
    """The locks that are held from `step` on."""

    step: int
    held: list[Lock]


class Value(TypedDict):
    """The value of a number from `step` on."""

    step: int
    value: int


class Track(TypedDict):
    """A number over the steps."""

    name: str
    unit: str
    track: list[Value]


class Process(TypedDict):
    """A process of the story. `name` tells it from the others; "" if it is alone."""

    name: str
    counters: list[Track]
    timeline: list[Track]


class Origin(TypedDict):
    """What a function follows: a file of the kernel or of a series, which one, and its address."""

    file: str
    of: str
    url: str


class Function(TypedDict):
    """A function of ptlab, or of a learner, that a step happens in.

    name    the kernel's name for it, or ptlab's own if `kernel` is false
    file    where it is in ptlab, "" if it is a learner's; `first` is its first line there
    lines   its source
    """

    name: str
    title: str
    kernel: bool
    file: str
    first: int
    lines: list[str]
    origin: Origin | None


class Step(TypedDict):
    """What one step did. Step 0 is before anything has happened.

    op       index of its operation in `ops`, -1 for step 0
    process  which process it is about
    kind     what happened, as ptlab.base.steps.Kind names it
    fn       the kernel function that did it
    calls    index of its call path in the payload's `calls`
    text     the sentence, without the name of the function
    event    whether a table was built, unhooked, freed or moved
    focus    the nodes that it is about
    entries  the entries that it is about, [from, to) of the first of them; None if there are none
    """

    op: int
    process: int
    kind: str
    fn: str
    calls: int
    text: str
    event: bool
    focus: list[str]
    entries: tuple[int, int] | None


class Segment(TypedDict):
    """What a task of a race did at one position. who: its letter, "" before the first."""

    who: str
    fn: str
    calls: int
    text: str


class Mapping(TypedDict):
    """Memory that a story maps: a name to type as an address, what that is, its range and rights."""

    name: str
    base: str
    about: str


class CacheLook(TypedDict):
    """The page cache of a file from `step` on.

    pages  how many pages the file has
    strip  runs [from, to, state, frame of the first) of the pages that are there; a state is "cached",
           "mapped" (by an entry), or "dirty" (by an entry whose dirty bit is set)
    """

    step: int
    pages: int
    line: str
    strip: list[tuple[int, int, str, int]]


class Cache(TypedDict):
    """The page cache of a file. Empty before its first record."""

    title: str
    track: list[CacheLook]


class Still(TypedDict):
    """The picture of one moment as SVG, and what it shows, in words."""

    svg: str
    text: str


class Pane(TypedDict):
    """One story. The boxes of `nodes` are where Graphviz has put them; `height` is that of all.

    still     a picture of one moment, for viewers that run no script
    segments  of a race: for each position, what is shown instead of its step
    """

    name: str
    heading: str
    fate: str
    height: int
    ops: list[str]
    steps: list[Step]
    nodes: dict[str, Node]
    entries: dict[str, list[EntryChange]]
    locks: list[Locks]
    processes: list[Process]
    mappings: list[Mapping]
    caches: list[Cache]
    still: Still
    segments: NotRequired[list[Segment]]


class Column(TypedDict):
    """A column of the picture: the tables of one level, or at the end the pages.

    shift, bits  which bits of an address choose the entry (of a page: the byte)
    x, width     where it is
    """

    level: str
    shift: int
    bits: int
    x: int
    width: int


class Term(TypedDict):
    """A word that is explained: the forms in which texts use it, its name first, and its meaning."""

    forms: list[str]
    text: str


class Payload(TypedDict):
    """One story, or several in step.

    frames     for each position of the slider, the step that each pane shows
    flags      (letter, bit, meaning) of the flags of an entry
    columns    the columns of every picture, from left to right; all boxes are `box_height` high
    functions  all functions that a step happens in
    calls      call paths: (function, line of it, 0 for its first) from the outermost to the innermost
    palette    colours, marks and words (see draw/palette.py)
    glossary   the words that texts use, explained (see draw/glossary.py)
    """

    schema: int
    title: str
    panes: list[Pane]
    frames: list[list[int]]
    flags: list[tuple[str, int, str]]
    columns: list[Column]
    box_height: int
    functions: list[Function]
    calls: list[list[tuple[int, int]]]
    palette: dict[str, Any]
    glossary: list[Term]


def check_schema(payload: Any) -> None:
    """ValueError if `payload` was made by another version of ptlab, or is not a payload at all."""
    found = payload.get("schema") if isinstance(payload, dict) else None
    if found != SCHEMA:
        raise ValueError(
            f"this payload has schema {found!r}, and this ptlab plays schema {SCHEMA}: make it again "
            "with Story.payload() or Race.payload() of the ptlab that is installed"
        )
