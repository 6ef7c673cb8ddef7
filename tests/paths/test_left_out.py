"""What Linux has is modelled, or the page of omissions names it: no call says that Linux lacks it."""

from pathlib import Path

import pytest

from ptlab import KernelError, MiB, NotModelled, Process
from ptlab.base.left_out import CALLS, SECTION
from ptlab.base.left_out import FLAGS as LEFT_OUT
from ptlab.scenario import parse, run

PAGE = (Path(__file__).parents[2] / "docs" / "what_is_left_out.md").read_text()
# include/uapi/asm-generic/mman-common.h of Linux 6.18
ADVICE = (*range(5), *range(8, 26), 100, 101, 102, 103)
MODELLED = {
    "MAP_SHARED",
    "MAP_PRIVATE",
    "MAP_FIXED",
    "MAP_ANONYMOUS",
    "MAP_NORESERVE",
    "MAP_POPULATE",
}
MODELLED |= {"MAP_FIXED_NOREPLACE", "MREMAP_MAYMOVE", "MREMAP_FIXED", "MREMAP_DONTUNMAP"}
MODELLED |= {"PROT_NONE", "PROT_READ", "PROT_WRITE", "PROT_EXEC"}
MODELLED |= {"MAP_GROWSDOWN", "MAP_LOCKED", "MAP_STACK", "MAP_HUGETLB"}
MODELLED |= {"MLOCK_ONFAULT", "MCL_CURRENT", "MCL_FUTURE", "MCL_ONFAULT"}
# the same header, asm-generic/mman.h, linux/mman.h and x86's asm/mman.h
FLAGS = [
    "MAP_SHARED",
    "MAP_PRIVATE",
    "MAP_SHARED_VALIDATE",
    "MAP_DROPPABLE",
    "MAP_FIXED",
    "MAP_ANONYMOUS",
    "MAP_32BIT",
    "MAP_POPULATE",
    "MAP_NONBLOCK",
    "MAP_STACK",
    "MAP_HUGETLB",
    "MAP_SYNC",
    "MAP_FIXED_NOREPLACE",
    "MAP_UNINITIALIZED",
    "MAP_FILE",
    "MAP_GROWSDOWN",
    "MAP_DENYWRITE",
    "MAP_EXECUTABLE",
    "MAP_LOCKED",
    "MAP_NORESERVE",
    "MREMAP_MAYMOVE",
    "MREMAP_FIXED",
    "MREMAP_DONTUNMAP",
    "MLOCK_ONFAULT",
    "MCL_CURRENT",
    "MCL_FUTURE",
    "MCL_ONFAULT",
    "PROT_NONE",
    "PROT_READ",
    "PROT_WRITE",
    "PROT_EXEC",
    "PROT_SEM",
    "PROT_GROWSDOWN",
    "PROT_GROWSUP",
]


@pytest.mark.parametrize("advice", ADVICE)
def test_every_advice_is_modelled_or_named_as_left_out(advice):
    p = Process(kernel="6.18")
    heap = p.mmap(2 * MiB)
    try:
        p.madvise(heap, advice)
    except KernelError as refusal:
        assert "knows no advice" not in str(refusal)
    except NotModelled as omission:
        name = str(omission).split(":")[0]
        assert name in LEFT_OUT and f"`{name}`" in PAGE and SECTION in str(omission)
        assert p.machine.held == [()]


def test_a_number_that_linux_does_not_know_is_refused():
    p = Process()
    with pytest.raises(KernelError, match=r"Linux 6\.18 knows no advice 77"):
        p.madvise(p.mmap(2 * MiB), 77)


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_is_modelled_or_named_as_left_out(flag):
    assert (flag in MODELLED) != (f"`{flag}`" in PAGE)


def _words_of_a_scenario(text):
    last = run(parse(text)[0])[-1]
    return last["unsupported"] and last["why"]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_is_left_out_says_so_with_its_name(call):
    with pytest.raises(NotModelled, match=rf"^{call}: ptlab leaves out .*{SECTION}") as omission:
        getattr(Process(), call)(0, 4096)
    assert _words_of_a_scenario(f"mmap s0 2M\n{call} s0 2M") == str(omission.value)
    assert f"`{call}`" in PAGE and f"## {SECTION}" in PAGE


@pytest.mark.parametrize("flag", [flag for flag in LEFT_OUT if not flag.startswith("MADV_")])
def test_a_flag_that_is_left_out_says_so_with_its_name(flag):
    kind, _, word = flag.lower().partition("_")
    with pytest.raises(NotModelled, match=rf"^{flag}: ptlab leaves out .*{SECTION}") as omission:
        if kind == "map":
            program = f"mmap s0 2M {word}"
            Process().mmap(2 * MiB, **{word: True})
        else:
            program = f"mmap s0 2M\nmprotect s0 2M {word}"
            Process().mmap(2 * MiB, prot=word)
    assert _words_of_a_scenario(program) == str(omission.value)
    assert f"`{flag}`" in PAGE


def test_what_linux_does_not_have_is_a_mistake_of_the_caller():
    with pytest.raises(AttributeError, match="userfault"):
        Process().userfault(0)
    with pytest.raises(TypeError, match=r"mmap\(\) has no argument 'zync'"):
        Process().mmap(2 * MiB, zync=True)
