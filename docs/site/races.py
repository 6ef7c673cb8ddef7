"""A page for each race scene: what it is about, and both variants to be played."""

from __future__ import annotations

import hashlib
from pathlib import Path

from docs.site.executed import engine
from docs.site.frames import without_players
from ptlab.race.interactive import Race
from ptlab.race.scenes import SCENES, Scene
from ptlab.widgets.page import SCHEDULER, framed_story

_HEAD = """# {title}

Scene `{name}`, on Linux {kernel}. You are the scheduler: choose which task runs next. A task runs up to
the next point at which another CPU could run. As soon as a rule is broken, a verdict says which. You can
go back and try another order.
{source}
"""
_BROKEN = """
## Broken

Something is left out or changed: {missing}. Find an order that breaks a rule.

```{{raw}} html
:file: {name}-broken.html
```
"""
_FIXED = """
## Fixed

The same tasks with every precaution, under the design `{scheme}`. `ptlab races {name}` tries every order
of both variants.

```{{raw}} html
:file: {name}-fixed.html
```
"""
_INDEX = """# Races

In a race scene two or three tasks work on the same page tables. Each scene is here in two variants: in
the broken one something is left out, and in some order a rule breaks; in the fixed one no order breaks a
rule. A race of more than 600 states can only be looked at here; in JupyterLab you can play it, for
instance with `ptlab.race("abc")`.

```{{toctree}}
:maxdepth: 1

{names}
```
"""


def write_races(folder: Path, kept: Path, names: list[str]) -> None:
    """Write index.md, and NAME.md with its frames for the scenes of `names`, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    index = _INDEX.format(names="\n".join(names))
    (folder / "index.md").write_text(index, encoding="utf-8")
    for scene in (SCENES[name] for name in names):
        for variant in ("broken", "fixed"):
            target = folder / f"{scene.name}-{variant}.html"
            target.write_text(_frame(scene, variant, kept), encoding="utf-8")
        source = f"\nThe bug that really happened: `{scene.source}`\n" if scene.source else ""
        text = _HEAD.format(title=scene.title, name=scene.name, kernel=scene.kernel, source=source)
        text += _BROKEN.format(missing=scene.missing, name=scene.name)
        text += _FIXED.format(scheme=scene.fixed.scheme.name, name=scene.name)
        (folder / f"{scene.name}.md").write_text(text, encoding="utf-8")


def _frame(scene: Scene, variant: str, kept: Path) -> str:
    """The frame of a race, which takes a second to compute and is kept for this engine."""
    key = hashlib.sha256(engine().encode()).hexdigest()[:16]
    done = kept / f"race-{scene.name}-{variant}-{key}.html"
    if not done.exists():
        kept.mkdir(parents=True, exist_ok=True)
        for old in kept.glob(f"race-{scene.name}-{variant}-*.html"):
            old.unlink()
        race = Race(scene, variant)
        framed = framed_story(race.page(), f"{scene.title} ({variant})", SCHEDULER)
        done.write_text(f"<div>{framed}</div>", encoding="utf-8")
    return without_players(done.read_text(encoding="utf-8"))
