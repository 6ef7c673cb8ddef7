"""Sentences about what a program sees: its VMAs, its accesses, its files."""

from __future__ import annotations

from ptlab.base.facts import (
    Access,
    FileFact,
    PagesAllocated,
    PagesDropped,
    Reason,
    Refusal,
    Span,
    VmaAnon,
    VmaFact,
    VmaGrown,
    VmaKept,
    VmaMapped,
    VmaUnmapped,
)
from ptlab.base.geometry import PAGE_SIZE
from ptlab.base.steps import Step
from ptlab.draw.names import plural
from ptlab.state.memmap import MemMap
from ptlab.state.vma import flag_names, prot_name


def vma(mem: MemMap, step: Step, fact: VmaFact) -> str:
    """A VMA comes, goes or changes."""
    if isinstance(fact, VmaMapped):
        span, whole = _range(fact.span), _range(fact.whole)
        merged = "" if fact.span == fact.whole else f"; merged with its neighbours it is {whole}"
        return f"a VMA appears, {span}, {prot_name(fact.flags)}{merged}. No table is built."
    if isinstance(fact, VmaUnmapped):
        many = f"{plural(len(fact.spans), 'VMA')} {'is' if len(fact.spans) == 1 else 'are'}"
        return f"{many} taken out: {', '.join(map(_range, fact.spans))}."
    if isinstance(fact, VmaAnon):
        return (
            f"the VMA {_range(fact.span)} gets anon_vma {fact.anon_vma}: "
            "its first anonymous page comes next."
        )
    if isinstance(fact, VmaKept):
        return f"the VMA {_range(fact.span)} stays, without its pages."
    if isinstance(fact, VmaGrown):
        return f"the VMA has grown down to the access: {_range(fact.span)}. No table is built yet."
    old, new = prot_name(fact.before), prot_name(fact.after)
    if old != new:
        return f"the VMA part {_range(fact.span)} is {new} now (was {old})."
    names = [name.lower() for name in flag_names(fact.before ^ fact.after)]
    return f"the VMA part {_range(fact.span)} changes its flags: {', '.join(names)}."


def _range(span: Span) -> str:
    return f"[{span.start:#x}, {span.end:#x})"


def hit(mem: MemMap, step: Step, fact: Access) -> str:
    """An access that needs no fault."""
    verb = "writes" if fact.write else "reads"
    if step.n == 1:
        return f"the program {verb} {fact.first:#x}; the entry is there, so there is no fault."
    return (
        f"the program {verb} {step.n} pages from {fact.first:#x} on; "
        "the entries are there: no fault."
    )


def refused(mem: MemMap, step: Step, fact: Refusal) -> str:
    """An access that ends in a signal."""
    verb = "write" if fact.write else "read"
    if fact.reason == Reason.GUARD:
        return f"the {verb} at {fact.address:#x} meets a guard marker: SIGSEGV."
    if fact.reason == Reason.BEYOND_FILE:
        return f"the {verb} at {fact.address:#x} is beyond the end of the file: SIGBUS."
    if fact.reason == Reason.POOL_EMPTY:
        return f"the {verb} at {fact.address:#x} finds no huge page left in the pool: SIGBUS."
    why = "because no VMA covers it"
    if fact.reason == Reason.RIGHTS:
        why = f"because the VMA's rights are {prot_name(fact.flags)}"
    many = f" ({step.n} accesses)" if step.n > 1 else ""
    return (
        f"the {verb} at {fact.address:#x}{many} is refused with SIGSEGV, {why}. No table is built."
    )


def file(mem: MemMap, step: Step, fact: FileFact) -> str:
    """A file's size or its page cache changes."""
    pages = plural(step.n, "page")
    if isinstance(fact, PagesDropped):
        return (
            f"{pages} left the page cache{', and the file has a hole there' if fact.hole else ''}."
        )
    name = f"{fact.kind} file {fact.file} ({plural(fact.size // PAGE_SIZE, 'page')})"
    if isinstance(fact, PagesAllocated):
        return f"the page cache now has {pages} of {name}, not yet zeroed."
    return f"{name} now ends at {fact.size:#x}."
