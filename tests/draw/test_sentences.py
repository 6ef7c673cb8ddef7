"""Sentences: the function, the thing and the number."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ptlab
from ptlab import SCHEMES, Process, Story, story
from ptlab.base.steps import Kind
from ptlab.draw.names import plural
from ptlab.paths.access import touch
from ptlab.race.scheduler import Scheduler
from tests.support.strategies import programs, rows

few = settings(max_examples=max(10, settings.default.max_examples // 3))
LIFE = "mmap s0 2M\ntouch w s0 8K\nmadvise DONTNEED s0 2M\nmunmap s0 2M"


@pytest.mark.parametrize("scheme", SCHEMES)
@few
@given(program=programs(longest=6, full=False), grain=st.sampled_from(["entry", "table", "range"]))
def test_every_step_is_one_readable_sentence(scheme, program, grain):
    p = Process(scheme, grain=grain)
    rows(p, program)
    for step in Story(p).steps:
        assert step.text.startswith(f"{step.fn}: ")
        assert step.text.rstrip(")").endswith((".", "other"))
        assert not re.search(r"array|np\.|None|<|  | 1 (entries|pages|VMAs)\b", step.text)
        assert step.path[-1] == step.fn
        assert len(step.text) < 400


def texts(scheme, fn, program=LIFE, **more):
    return [step.text for step in story(program, scheme=scheme, **more).steps if step.fn == fn]


def test_the_last_put_says_who_leaves_from_what_to_what_and_what_follows():
    last = texts("pte_refcount", "pte_put")[-1]
    assert last.startswith("pte_put: ") and "visitor leaves PTE page 3" in last
    assert "references 1 -> 0" in last and "free_user_pte_table" in last


def test_installing_and_unhooking_say_where_and_how_many_kb():
    (text,) = texts("unmap_only", "pmd_populate")
    assert text == (
        "pmd_populate: PTE page 3 is hooked into PMD page 2, slot 0; VmPTE grows by 4 kB."
    )
    (text,) = texts("unmap_only", "free_pte_range")
    assert "PTE page 3 is unhooked from PMD page 2, slot 0; VmPTE falls by 4 kB." in text


def test_a_run_is_told_with_its_number():
    program = "mmap s0 8M\ntouch w s0 8M\nmunmap s0 8M"
    (text,) = texts("unmap_only", "free_pte_range", program, grain="range")
    assert "4 PTE pages (3 to 6) are unhooked from PMD page 2, slots 0 to 3" in text
    assert "16 kB" in text


def test_a_refused_access_says_why():
    program = "mmap s0 4K none\ntouch r s0 8K"
    closed, missing = texts("unmap_only", "bad_area", program)
    assert "0x100000000000" in closed and "none" in closed and "SIGSEGV" in closed
    assert "0x100000001000" in missing and "no VMA covers it" in missing


def test_the_slow_path_says_why_it_scans_and_what_it_finds():
    program = "mmap s0 40M\ntouch w s0 40M\nmadvise DONTNEED s0 40M"
    (text,) = texts("pt_reclaim", "try_to_free_pte", program, grain="range")[:1]
    assert "512 entries" in text and "all are none" in text


def test_the_path_names_kernel_functions_only():
    paths = {fn for step in story(LIFE, scheme="pte_refcount").steps for fn in step.path}
    assert {"do_madvise", "zap_pte_range", "handle_pte_fault", "do_munmap"} <= paths
    assert not any(fn.startswith("_") and not fn.startswith("__") for fn in paths)
    assert not paths & {"visitor_arrives", "visitor_leaves", "entries_mapped", "zap_ends"}


@pytest.mark.parametrize(
    ("n", "noun", "said"),
    [
        (1, "entry", "1 entry"),
        (2, "entry", "2 entries"),
        (0, "page", "0 pages"),
        (1, "VMA", "1 VMA"),
    ],
)
def test_plurals(n, noun, said):
    assert plural(n, noun) == said


def test_vmpte_does_not_count_p4d_pages():
    p = Process("unmap_only", levels=5)
    heap = p.mmap(4096)
    p.touch(heap)
    p.munmap(heap)
    told = [step.text.split(": ", 1)[1] for step in Story(p).steps if "VmPTE" in step.text]
    assert len(told) == 8
    for text in told:
        assert ("VmPTE does not count" in text) is text.startswith("P4D page")


def test_a_lock_for_read_waits_for_writers_only():
    process = Process("unmap_only", "6.1")
    heap = process.mmap(8192)
    Scheduler(process, {"touch": touch(process.mm, True, heap, 4096)}).run("A")
    (waits,) = [s for s in Story(process).steps if " wants " in s.text]
    assert waits.text.endswith("waits if another task holds it for write.")


PACKAGES = ("draw", "story", "costs", "race", "kernels", "classroom", "cli")
"""draw, and what is above it and may see a sentence."""
PARTS = {"split", "partition", "rpartition", "startswith", "endswith", "removeprefix", "replace"}


def trees(*packages):
    for package in packages:
        for path in sorted((Path(ptlab.__file__).parent / package).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def is_attribute(node, name):
    return isinstance(node, ast.Attribute) and node.attr == name


def test_draw_never_asks_which_function_it_was():
    """What a step means is in its kind and its fact; the function is only printed."""
    for path, tree in trees("draw"):
        printed = {value.value for value in ast.walk(tree) if isinstance(value, ast.FormattedValue)}
        for node in ast.walk(tree):
            assert not is_attribute(node, "fn") or node in printed, f"{path}:{node.lineno}"


def taken_apart(node):
    """Whether an expression looks into a text for a fact."""
    if isinstance(node, ast.Compare):
        return any(is_attribute(side, "text") for side in [node.left, *node.comparators])
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if node.func.attr in PARTS and is_attribute(node.func.value, "text"):
        return True
    regex = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
    return regex and any(is_attribute(argument, "text") for argument in node.args)


def test_nobody_takes_a_sentence_apart():
    for path, tree in trees(*PACKAGES):
        for node in ast.walk(tree):
            assert not taken_apart(node), f"{path}:{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("change", ["mprotect s0 8K r", "madvise FREE s0 8K"])
def test_a_flush_that_frees_nothing_promises_no_free_page(change):
    program = f"mmap s0 2M\ntouch w s0 8K\n{change}"
    flushes = [step for step in story(program).steps if step.kind is Kind.FLUSH]
    assert [step.predicate for step in flushes] == ["the TLB forgets the old translations."]


def test_no_reference_is_claimed_where_the_design_counts_none():
    p = Process("unmap_only", swap=True)
    heap = p.mmap(2 << 20)
    p.touch(heap, 8192)
    p.madvise(heap, "PAGEOUT", 4096)
    p.madvise(heap, "DONTNEED")
    texts_of_all = [step.text for step in Story(p).steps]
    assert any("swap entry" in text for text in texts_of_all)
    assert not any("reference" in text for text in texts_of_all)
