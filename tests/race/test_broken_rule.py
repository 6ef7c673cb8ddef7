"""Broken rules: each record becomes a sentence of its facts, and records compare by their facts."""

from dataclasses import fields, replace

import pytest

from ptlab.base.geometry import Level
from ptlab.race import broken_caches, broken_locks, broken_rule
from ptlab.race.broken_locks import Blocked
from ptlab.race.broken_rule import BrokenRule, Page, Verdict
from ptlab.race.lock_graph import Link, LockCycle
from ptlab.state.broken_state import BrokenState, Rule

LINKS = (
    Link("mmap_lock", "i_mmap_rwsem", "A", 7, "munmap", ("do_munmap",), "AAAAAAA"),
    Link("i_mmap_rwsem", "ptl", "B", 9, "truncate", ("do_truncate", "zap_pte_range"), "AAAAAAABB"),
)
EXAMPLES = {
    "page": Page(Level.PTE, 41),
    "parent": Page(Level.PMD, 42),
    "other": Page(Level.PTE, 43),
    "blocked": (Blocked("A", "mmap_lock (read)", ("B",)), Blocked("B")),
    "links": LINKS,
    "cycle": LockCycle(LINKS),
    "what": BrokenState(Rule.PAGES_COUNTED, (44, 45)),
}
RULES = [
    rule
    for rule in {**vars(broken_rule), **vars(broken_locks), **vars(broken_caches)}.values()
    if isinstance(rule, type) and issubclass(rule, BrokenRule) and rule is not BrokenRule
]


def example(rule):
    """A record of the rule; its numbers are from 51 on, its other texts are their fields' names."""
    given = {}
    for number, field in enumerate(fields(rule), 51):
        known = EXAMPLES.get(field.name)
        if field.type == "int":
            given[field.name] = number
        elif known is not None and (field.name != "other" or field.type == "Page"):
            given[field.name] = known
        else:
            given[field.name] = field.name
    return rule(**given)


@pytest.mark.parametrize("rule", RULES)
def test_the_sentence_has_every_fact_and_begins_with_the_headline(rule):
    record = example(rule)
    said = record.sentence
    assert said.startswith(record.headline) and "{" not in said
    for field in fields(rule):
        value = getattr(record, field.name)
        if field.type == "int":
            value = f"{value:#x}" if f"{value:#x}" in said else value
        several = field.type.startswith("tuple")
        assert all(
            getattr(part, "sentence", str(part)) in said for part in (value if several else [value])
        )


@pytest.mark.parametrize("rule", RULES)
def test_two_records_are_equal_by_their_facts(rule):
    record, first = example(rule), fields(rule)[0].name
    assert record == example(rule)
    assert record != replace(record, **{first: "something else"})


def test_a_verdict_names_all_that_one_segment_broke_and_first_things_first():
    broken = tuple(example(rule) for rule in RULES[:3])
    verdict = Verdict(broken)
    assert verdict.headline == broken[0].headline
    assert verdict.sentence.split("; ") == [record.sentence for record in broken]


def test_who_is_blocked_is_said_with_who_holds_the_lock():
    assert str(Blocked("A", "mmap_lock (read)", ("B", "C"))) == (
        "waits for mmap_lock (read), which task B and task C hold"
    )
