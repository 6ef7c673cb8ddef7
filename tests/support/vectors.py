"""VmPTE after each op of a story, as a real kernel was measured: changes against before it."""

from ptlab import Process, scenario

ANCHOR = """\
scenario vector
mmap s0 4K
touch w s0 4K
"""
"""A page in the first GiB, so that the story, in the next ones, shares its PUD page with it."""


def vmpte_changes(ops, scheme=None, kernel="6.18", grain="range"):
    """kB of VmPTE after each line of `ops`, less what the anchor costs."""
    process = Process(scheme, kernel, grain=grain)
    rows = list(scenario.play(process, scenario.parse(ANCHOR + ops)[0]))
    process.check()
    return [row["pte_kb"] - rows[1]["pte_kb"] for row in rows[2:]]
