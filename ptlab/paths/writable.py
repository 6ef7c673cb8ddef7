"""mprotect to writable: which entries may be made so at once, and which have to fault first.

Kernel source: mm/mprotect.c, can_change_pte_writable(); mm/huge_memory.c, can_change_pmd_writable()
(Linux 6.12, and 6.1 where it differs). A private mapping makes writable what is exclusively its own. A
shared one makes all writable, unless the file wants to know of the first write
(vma_wants_writenotify()): then what is dirty already.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlab.base import pte
from ptlab.state.mm import Mm
from ptlab.state.vma import Vma


def stays_read_only(mm: Mm, vma: Vma, words: NDArray[np.uint64], huge: bool = False) -> Any:
    """A mask of those of the present entries `words` that a write has to fault on."""
    clean = (words & np.uint64(pte.DIRTY)) == 0
    if vma.shared:
        wants_notify = vma.file is not None and vma.file.kind == "disk"
        return clean if wants_notify else np.zeros(words.shape, np.bool_)
    if not mm.machine.profile.clean_writable:
        if huge:
            return np.ones(words.shape, np.bool_)
        return clean | ~mm.machine.pages.exclusive(pte.pfn(words))
    return ~mm.machine.pages.exclusive(pte.pfn(words))
