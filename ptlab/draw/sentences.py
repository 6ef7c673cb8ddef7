"""Each step as one sentence: the kernel function, the thing and the number.

The same sentence serves the caption, the screen reader, the text log and the checks' feedback. It is
made from the step's kind and facts, and nobody takes it apart again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ptlab.base.steps import Kind, Step
from ptlab.base.tables import table_count
from ptlab.draw import entry_sentences as entries
from ptlab.draw import lock_sentences as locks
from ptlab.draw import reference_sentences as references
from ptlab.draw import table_sentences as tables
from ptlab.draw import vma_sentences as vmas
from ptlab.state.memmap import MemMap


def sentence(mem: MemMap, step: Step) -> str:
    """What `step` says, in words. Call it while mem_map is at that step."""
    return f"{step.fn}: {predicate(mem, step)}"


def predicate(mem: MemMap, step: Step) -> str:
    """The sentence without its subject, the function."""
    text = _SENTENCES[step.kind](mem, step, step.fact)
    if step.tables is not None and step.kind is Kind.GET and step.times > table_count(step.tables):
        text += f" ({step.times} times, one after the other)"
    return text


_SENTENCES: dict[str, Callable[[MemMap, Step, Any], str]] = {
    Kind.LOCK: locks.lock,
    Kind.UNLOCK: locks.unlock,
    Kind.WAIT: locks.wait,
    Kind.DOWNGRADE: locks.downgrade,
    Kind.VMA: vmas.vma,
    Kind.LOOK: tables.look,
    Kind.HIT: vmas.hit,
    Kind.REFUSED: vmas.refused,
    Kind.ALLOC: tables.alloc,
    Kind.INSTALL: tables.install,
    Kind.GET: references.get,
    Kind.PUT: references.put,
    Kind.SET: entries.set_,
    Kind.CLEAR: entries.clear,
    Kind.CHANGE: entries.change,
    Kind.SCAN: entries.scan,
    Kind.SWITCH: references.switch,
    Kind.UNHOOK: tables.unhook,
    Kind.UNCOUNT: tables.uncount,
    Kind.FLUSH: tables.flush,
    Kind.RCU: tables.rcu,
    Kind.FREE: tables.free,
    Kind.FAIL: references.fail,
    Kind.DEPOSIT: tables.deposit,
    Kind.SPLIT: tables.split,
    Kind.MOVE: tables.move,
    Kind.FILE: vmas.file,
    Kind.VISIBLE: tables.visible,
    Kind.SHARE: tables.share,
}
