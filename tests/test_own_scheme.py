"""docs/own_scheme.md: its scheme runs in the stepper, the measurements and the races."""

import ast
import functools
import re
from pathlib import Path

import pytest

import ptlab
from ptlab import Process, compare, story

DOC = Path(__file__).parents[1] / "docs" / "own_scheme.md"


@functools.cache
def own_scheme():
    """The class on the page of the docs, and the value of every other block there."""
    space = {"shown": []}
    for block in re.findall(r"```python\n(.*?)```", DOC.read_text(), re.S):
        tree = ast.parse(block)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, str(DOC), "exec"), space)
        if last is not None:
            space["shown"].append(
                eval(compile(ast.Expression(last.value), str(DOC), "eval"), space)
            )
    return space


def test_the_scheme_of_the_docs_is_compared_stepped_and_priced_like_any_other():
    space = own_scheme()
    own = space["SecondLook"]
    side_by_side, measured, _, _, _, changes = space["shown"][:6]
    assert [pane["name"] for pane in side_by_side.payload()["panes"]] == [
        "pt_reclaim",
        "second_look",
    ]
    assert [m.scheme for m in measured] == ["unmap_only", "pt_reclaim", "second_look"]
    assert "second_look" in measured._repr_html_()
    assert all(change < 0 for change in changes)
    told = story(space["program"], own)
    unhooked = [step for step in told.steps if step.fn == "second_look" and step.event]
    assert [told.operations[step.op] for step in unhooked] == ["madvise DONTNEED s0 2M"]
    assert unhooked[0].op == 3  # the second of the two


def test_the_scheme_of_the_docs_races_and_its_careless_sister_is_caught():
    space = own_scheme()
    failures, found, race = space["shown"][2:5]
    results = space["results"]
    assert failures == [] and all(result.result == "exhausted" for result in results)
    assert repr(found[0]) in DOC.read_text()  # the page quotes it
    assert race.verdict.headline == found[0][1]


@pytest.mark.parametrize("grain", ["entry", "table", "range"])
def test_the_scheme_of_the_docs_frees_at_the_second_empty_look_only(grain):
    p = Process(own_scheme()["SecondLook"], grain=grain)
    heap = p.mmap(8 << 20)
    for left in (4, 0):
        p.touch(heap, 4096) if left else None
        p.touch(heap, stride=2 << 20) if left else None
        p.madvise(heap, "DONTNEED")
        assert p.counters.pte == left
        p.check()
    p.journal.seek(0)
    assert not any(p.scheme.was_empty.values())  # remembered through the store: time runs back


def test_two_own_schemes_can_be_stepped_together():
    own = own_scheme()["SecondLook"]
    panes = compare("mmap s0 2M\ntouch w s0 4K", own, "unmap_only").payload()["panes"]
    assert [pane["name"] for pane in panes] == ["second_look", "unmap_only"]


def test_the_shrinker_of_the_docs_frees_in_the_background_and_loses_no_race():
    space = own_scheme()
    results = ptlab.races(space["Shrinker"], scenes=["two-scans", "scan-munmap", "scan-gup"])
    assert all(found.result == "exhausted" and not found.untried for found in results)


def test_the_epochs_of_the_docs_are_safe_but_for_gup_fast():
    *walks, gup = own_scheme()["later"]
    assert [found.result for found in walks] == ["exhausted", "exhausted"]
    assert "task A reads PTE page 4, freed" in gup.verdict.sentence


def test_the_epochs_of_the_docs_need_the_lock_of_a_walk():
    class Bare(own_scheme()["Epochs"]):
        def walk_begins(self, mm, start, end, times=1):
            now = self.epoch[0]
            mm.machine.store.add(self, "walks", now, 1)
            yield from ()
            return now

    (found,) = ptlab.races(Bare, scenes=["slow-path"], most=1)
    assert "uses self.epoch[0] and self.walks[0] in one step (Bare.walk_begins" in found.sentence
