"""The payload is what ptlab/widgets/payload.py says, field by field."""

import types
import typing

import pytest

from ptlab import SCHEMES, race, story
from ptlab.race.scenes import SCENES
from ptlab.scenario.builtin import builtin
from ptlab.widgets.payload import SCHEMA, Payload, check_schema
from ptlab.widgets.race_payload import RacePayload

TEACHING = [name for name, one in builtin().items() if one.group == "teaching"]
TEACHING.remove("cover-letter")  # too long for a story


def wrong(value, kind, where="payload"):
    """Where a value is not of its declared type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is typing.Any:
        return
    if typing.is_typeddict(kind):
        hints = typing.get_type_hints(kind)
        if (
            not isinstance(value, dict)
            or not kind.__required_keys__ <= value.keys() <= hints.keys()
        ):
            yield f"{where} has other fields"
        else:
            for name in value:
                yield from wrong(value[name], hints[name], f"{where}.{name}")
    elif origin is types.UnionType:
        if all(list(wrong(value, one)) for one in arguments):
            yield f"{where} is {value!r}"
    elif origin is list:
        if type(value) is not list:
            yield f"{where} is {value!r}"
        for k, one in enumerate(value):
            yield from wrong(one, arguments[0], f"{where}[{k}]")
    elif origin is dict:
        for name, one in value.items():
            yield from wrong(one, arguments[1], f"{where}[{name}]")
    elif kind is type(None):
        if value is not None:
            yield f"{where} is {value!r}, and not None"
    elif origin is tuple:
        if not isinstance(value, tuple) or len(value) != len(arguments):
            yield f"{where} is {value!r}"
        else:
            for one, its in zip(value, arguments, strict=True):
                yield from wrong(one, its, where)
    elif type(value) is not kind:
        yield f"{where} is {value!r}, and not of type {kind}"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", TEACHING)
def test_a_story(name, scheme):
    made = story(name, scheme, grain="range").payload()
    assert list(wrong(made, Payload)) == []


@pytest.mark.parametrize("name", SCENES)
def test_a_race(name):
    assert list(wrong(race(name, schedule="A").payload(), RacePayload)) == []


def test_ids_lead_to_nodes():
    for pane in story("life-of-a-pte-page", "pte_refcount").payload()["panes"]:
        named = {node for step in pane["steps"] for node in step["focus"]}
        named |= {lock["table"] for locks in pane["locks"] for lock in locks["held"]}
        named |= {place["parent"] for node in pane["nodes"].values() for place in node["places"]}
        assert None in named and named - {None} <= pane["nodes"].keys()


@pytest.mark.parametrize("given", [{}, {"schema": SCHEMA + 1}, None, [1]])
def test_what_is_not_a_payload_of_this_version_is_refused(given):
    with pytest.raises(ValueError, match=f"this ptlab plays schema {SCHEMA}"):
        check_schema(given)
