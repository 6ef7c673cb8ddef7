"""Sentences about references to tables: taken, given back, refused."""

from __future__ import annotations

import numpy as np

from ptlab.base.facts import Counting, CountMode, Dying, Holder, Lock, References
from ptlab.base.geometry import Level
from ptlab.base.steps import Step
from ptlab.base.tables import first_of
from ptlab.draw.names import table_name, tables_of, the_lock
from ptlab.state.memmap import MemMap


def get(mem: MemMap, step: Step, fact: References) -> str:
    """References are taken."""
    name = table_name(mem, tables_of(step))
    if fact.who == Holder.INSTALLER:
        return f"{name} starts with 1 reference: the task that installs it is its first visitor."
    change = _change(fact)
    if fact.who == Holder.VISITOR:
        return f"a visitor comes to {name}{change}; while it looks, nobody can free the page."
    entries = (
        "the new entry holds a reference"
        if step.n == 1
        else f"each of the {step.n} new entries holds a reference"
    )
    return f"{entries} to {name}{change}."


def put(mem: MemMap, step: Step, fact: References) -> str:
    """References are given back."""
    tables = tables_of(step)
    name, change = table_name(mem, tables), _change(fact)
    end = ""
    if fact.last:
        level = Level(int(mem.level[first_of(tables)])).name.lower()
        end = f" Nobody uses it any more: free_user_{level}_table takes it out of the tree."
    if fact.who == Holder.VISITOR:
        return f"the visitor leaves {name}{change}.{end}"
    entries = "the cleared entry gives" if step.n == 1 else f"the {step.n} cleared entries give"
    theirs = "its reference" if step.n == 1 else "their references"
    return f"{entries} back {theirs} to {name}{change}.{end}"


def _change(fact: References) -> str:
    before, after = fact.before, fact.after
    if before is None:
        return ""
    if isinstance(before, np.ndarray) and len(set(before.tolist())) > 1:
        return f" (references {before.min()}..{before.max()} -> {np.min(after)}..{np.max(after)})"
    one = [int(np.ravel(x)[0]) for x in (before, after)]
    return f" (references {one[0]} -> {one[1]})"


def switch(mem: MemMap, step: Step, fact: CountMode) -> str:
    """A count is kept in another way."""
    name = table_name(mem, tables_of(step))
    if fact.how == Counting.ATOMIC:
        return f"after a grace period the count of {name} is one atomic number again."
    return f"the count of {name} is kept on each CPU again: a change is cheap, and no CPU knows the sum."


def fail(mem: MemMap, step: Step, fact: Lock | Dying) -> str:
    """A trylock or a try for a reference fails."""
    if isinstance(fact, Lock):
        return f"the trylock fails: another task holds {the_lock(mem, fact)}."
    name = table_name(mem, tables_of(step))
    dying = "it is being freed, so no walker may use it"
    return f"{name} has no references left ({fact.result.name}): {dying}."
