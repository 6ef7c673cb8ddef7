"""What the notebooks of the course share: questions to guess at, and short ways to ask the engine.

Read in this order: `ptlab/widgets/guess.py` (a question asks, and the engine answers when the learner
has; `open_all` is the teacher's switch), `guess.py` (`Guess` finds the explanation in `why/`),
`lookups.py` (one call for what several notebooks ask), `here.py` (what this computer's kernel says),
`machines.py` (the walk on other machines), `turns.py` (a race in turns that are told in words),
`locks.py` (who takes which lock, and who waits for it), `words.py` (the glossary).

The one idea: a notebook says what is asked. Whatever two notebooks need to find the answer is here,
and tested.

It grades nobody and knows no student: that is the classroom, above.
"""

from ptlab.course.guess import Guess
from ptlab.course.here import kernel_here, on_this_kernel, packed_kb, status
from ptlab.course.locks import lock_steps, waits_for
from ptlab.course.lookups import (
    after_loop,
    lock_mode,
    on_linux,
    references,
    references_over_time,
    try_get,
    vmpte_kb,
)
from ptlab.course.machines import MACHINES, walks
from ptlab.course.turns import play, who_frees
from ptlab.course.words import words
from ptlab.widgets.guess import open_all

__all__ = [
    "MACHINES",
    "Guess",
    "after_loop",
    "kernel_here",
    "lock_mode",
    "lock_steps",
    "on_linux",
    "on_this_kernel",
    "open_all",
    "packed_kb",
    "play",
    "references",
    "references_over_time",
    "status",
    "try_get",
    "vmpte_kb",
    "waits_for",
    "walks",
    "who_frees",
    "words",
]
