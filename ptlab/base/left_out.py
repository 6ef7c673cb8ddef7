"""What Linux has and ptlab leaves out on purpose, by its name: docs/what_is_left_out.md says so too."""

from __future__ import annotations

from ptlab.base.errors import NotModelled

SECTION = "Left out of the machine"

_NUMA = "from which NUMA node memory comes"
_KEYS = "protection keys"
CALLS = {
    "userfaultfd": "page faults that another thread answers",
    "mincore": "which pages are in memory, asked page by page",
    "msync": "writing the dirty pages of a file back",
    "remap_file_pages": "pages of a file in another order",
    "map_shadow_stack": "shadow stacks",
    "memfd_secret": "memory that the kernel itself cannot reach",
    "process_mrelease": "taking memory from a process that was killed",
    "shmat": "System V shared memory",
    **dict.fromkeys(("mbind", "set_mempolicy", "migrate_pages", "move_pages"), _NUMA),
    **dict.fromkeys(("pkey_alloc", "pkey_free", "pkey_mprotect"), _KEYS),
}
"""System calls, and what each is about."""

FLAGS = {
    "MADV_HWPOISON": "pages whose memory has failed",
    "MADV_SOFT_OFFLINE": "pages that are taken out of use",
    "MAP_32BIT": "addresses below 2 GiB",
    "MAP_DROPPABLE": "memory that may be lost",
    "MAP_SHARED_VALIDATE": "a shared mapping that refuses unknown flags",
    "MAP_SYNC": "files on persistent memory (DAX)",
    "MAP_UNINITIALIZED": "memory that is not zeroed",
    "PROT_GROWSDOWN": "rights down to the end of a stack",
    "PROT_GROWSUP": "rights up to the end of a stack",
    "PROT_SEM": "memory for atomic operations",
}
"""Flags and advice of the uapi headers, and what each is about."""


def left_out(name: str) -> NotModelled:
    """The error for one of these names: what it is about, and where the page says so.

    >>> str(left_out("MAP_SYNC")).partition(";")[0]
    'MAP_SYNC: ptlab leaves out files on persistent memory (DAX)'
    """
    about = (CALLS | FLAGS)[name]
    page = f'docs/what_is_left_out.md, "{SECTION}"'
    return NotModelled(f"{name}: ptlab leaves out {about}; see {page}")


def flag_named(prefix: str, word: str) -> str | None:
    """The flag that `word` means after `prefix`, if it is left out: "sync" is MAP_SYNC after "MAP_"."""
    name = prefix + word.upper().removeprefix(prefix)
    return name if name in FLAGS else None
