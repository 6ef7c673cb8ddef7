"""Several stories of one program, stepped together: which of their steps are shown at the same time."""

from __future__ import annotations

from collections.abc import Sequence

from ptlab.story.timeline import StoryStep

Steps = Sequence[StoryStep]


def in_step(stories: list[Steps]) -> list[list[int]]:
    """Frames in which all stories do the same: equal steps together, the extra ones of each alone."""
    at = [0] * len(stories)
    frames = [list(at)]
    for op in range(max(steps[-1].op + 1 if steps else 0 for steps in stories)):
        rows = [[k for k, step in enumerate(steps, 1) if step.op == op] for steps in stories]
        while any(rows):
            ahead = [row[0] if row else None for row in rows]
            signs = [_sign(steps, k) for steps, k in zip(stories, ahead, strict=True)]
            turn = [sign for sign in signs if sign is not None]
            # A step that another story will also take waits for it; one that none will take goes alone.
            alone = [
                i
                for i, sign in enumerate(signs)
                if sign is not None
                and not all(
                    sign in (_sign(stories[j], k) for k in rows[j])
                    for j in range(len(rows))
                    if j != i and rows[j]
                )
            ]
            goes = alone[:1] or [i for i, sign in enumerate(signs) if sign == turn[0]]
            for i in goes:
                at[i] = rows[i].pop(0)
            frames.append(list(at))
    return frames


def _sign(steps: Steps, k: int | None) -> str | None:
    return None if k is None else steps[k - 1].fn
