"""Every function that ptlab follows names its file in the kernel, and every row names a function."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

from ptlab.base.call_path import in_kernel
from ptlab.base.kernel_files import FILES, origin
from ptlab.base.kernel_versions import PROFILES

PACKAGE = Path(__file__).parents[2] / "ptlab"
NOT_A_KERNEL_FUNCTION = {
    "touch": "what a program does",
    "do_mprotect": "the kernel's do_mprotect_pkey()",
    "free_swap_entries": "a part of the kernel's zap_nonpresent_ptes()",
    **dict.fromkeys(("cut", "chunks", "pte_tables", "tables_of", "mappings"), "ptlab's own"),
}


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if inspect.iscode(inner):
            yield from codes(inner)


def paths() -> dict[str, str]:
    """Every generator of the paths that has a kernel function's name, and its file."""
    found = {}
    for path in (PACKAGE / "paths").glob("*.py"):
        for code in codes(compile(path.read_text(), str(path), "exec")):
            generator = code.co_flags & inspect.CO_GENERATOR and code.co_name.isidentifier()
            if generator and in_kernel(code):
                found[code.co_name] = f"ptlab/paths/{path.name}"
    return found


def test_every_path_has_its_file() -> None:
    missing = {name for name, file in paths().items() if origin(name, file) is None}
    assert missing - NOT_A_KERNEL_FUNCTION.keys() == set(), "add a row to base/kernel_files.py"


def test_every_row_is_used_once() -> None:
    rows = [name for names in FILES.values() for name in names.split()]
    assert len(rows) == len(set(rows))
    source = "\n".join(path.read_text() for path in PACKAGE.glob("*/*.py"))
    assert [name for name in rows if f"def {name}(" not in source] == []


def test_versions_are_released_and_links_lead_to_their_tag() -> None:
    newest = max(tuple(map(int, name.split("."))) for name in PROFILES)
    for file, version in FILES:
        assert tuple(map(int, version.split("."))) <= newest
        assert Path(file).suffix in (".c", ".h")
    found = origin("zap_pte_range", "ptlab/paths/zap.py")
    assert found is not None
    tree = "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree"
    assert found.url == f"{tree}/mm/memory.c?h=v6.12"


def test_history_leads_to_the_mail() -> None:
    found = origin("free_user_pte_table", "ptlab/schemes/pte_refcount.py")
    assert found is not None and "never merged" in found.of
    mail = "20211110105428.32458-1-zhengqi.arch@bytedance.com"
    assert found.url == f"https://lore.kernel.org/all/{mail}/"
    assert origin("free_user_pte_table", "ptlab/schemes/every_level.py") is None
