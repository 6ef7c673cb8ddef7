"""Scenes of a process that ends while others are still at work in its address space."""

from __future__ import annotations

from ptlab.base.precautions import Precaution
from ptlab.paths.fork import exit_mmap
from ptlab.paths.oom import oom_reap_task_mm
from ptlab.process.process import Process
from ptlab.race.scenes.scene import UNMAPS, Paths, Scene, Variant, one_table
from ptlab.schemes import UnmapOnly


def _exit_and_reaper(process: Process) -> Paths:
    one_table(process, 0)
    return {"exit": exit_mmap(process.mm), "OOM reaper": oom_reap_task_mm(process.mm)}


exit_reaper = Scene(
    "exit-reaper",
    "CVE-2018-1000200: the OOM reaper zaps an address space whose tables exit frees",
    "exit frees the tables without waiting for the reaper",
    _exit_and_reaper,
    Variant(UnmapOnly),
    Variant(UnmapOnly, frozenset({Precaution.EXIT_ALONE})),
    kernel="6.12",
    trial=UNMAPS,
    source="CVE-2018-1000200, commit 27ae357fa82b (4.17)",
)

SCENES = (exit_reaper,)
