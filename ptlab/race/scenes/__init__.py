"""The race scenes by name: each a dozen lines, broken and fixed."""

from __future__ import annotations

from ptlab.base.errors import unknown
from ptlab.race.scenes import (
    background,
    collapses,
    exits,
    files,
    hardware,
    hugetlb,
    moves,
    reclaim,
    references,
    stacks,
)
from ptlab.race.scenes.scene import Scene, Variant

SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        *references.SCENES,
        *reclaim.SCENES,
        *hardware.SCENES,
        *files.SCENES,
        *background.SCENES,
        *moves.SCENES,
        *collapses.SCENES,
        *exits.SCENES,
        *stacks.SCENES,
        *hugetlb.SCENES,
    )
}

__all__ = ["SCENES", "Scene", "Variant", "find"]


def find(name: str) -> Scene:
    """The scene called `name`; ValueError names the ones there are."""
    if name not in SCENES:
        raise unknown("scene", name, SCENES)
    return SCENES[name]
