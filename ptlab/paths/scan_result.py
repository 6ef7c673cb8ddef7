"""How the look at 2 MiB ended that MADV_COLLAPSE would make one huge page.

Kernel source: mm/khugepaged.c, enum scan_result (Linux 6.12; those that can happen here).
"""

from __future__ import annotations

from enum import Enum


class Scan(Enum):
    """SCAN_SUCCEED and its kin; the value says in words what was found."""

    SUCCEED = "it is a huge page now"
    FAIL = "a page is not the file's"
    PMD_NULL = "no PMD page is there"
    PMD_NONE = "the PMD entry is empty"
    PAGE_RO = "no entry is writable"
    PTE_NON_PRESENT = "an entry of a file's mapping maps no page"
    PTE_MARKER = "an entry of anonymous memory maps no page (SCAN_FAIL before 6.19)"
    TRUNCATED = "the file has no page there"
    VMA_CHECK = "the mapping may have pages of its own"
