"""`ptlab races`: try every schedule of a race scene."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ptlab.cli.bad_input import BadInput
from ptlab.explore import Result, explore
from ptlab.scenes import SCENES, Scene, Variant, find
from ptlab.schemes import scheme_class

_EPILOG = """\
examples:
  ptlab races                      the scenes there are
  ptlab races abc                  the naive freeing, broken and fixed
  ptlab races abc --play AAABBB    one schedule, step by step
  ptlab races abc --scheme pt_reclaim
  ptlab races --all --json         one JSON object a line

exit status: 0 every broken variant fails and every fixed one does not, 1 otherwise"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "races",
        help="try every schedule of tasks that run at once",
        description="Run every interleaving of a small scene that can make a difference.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", metavar="SCENE", nargs="*", help="scenes to explore")
    parser.add_argument("--all", action="store_true", help="every scene")
    parser.add_argument(
        "--scheme", help="run the scene under this scheme, with every guard in place"
    )
    parser.add_argument("--preemptions", type=int, metavar="N", help="at most N preemptions")
    parser.add_argument("--play", metavar="SCHEDULE", help="run one schedule of the broken variant")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Explore, or play one schedule, or list the scenes."""
    try:
        scenes = list(SCENES.values()) if args.all else [find(name) for name in args.names]
        scheme = scheme_class(args.scheme) if args.scheme else None
    except ValueError as error:
        raise BadInput(str(error)) from error
    if not scenes:
        for scene in SCENES.values():
            print(f"{scene.name:14}{scene.title}")
        return 0
    if args.play is not None:
        return _play(scenes[0], args.play)
    good = True
    for scene in scenes:
        variants: tuple[tuple[str, Variant], ...] = (
            ("broken", scene.broken),
            ("fixed", scene.fixed),
        )
        if scheme is not None:
            if not scene.own_scheme:
                continue
            variants = (("fixed", scene.under(scheme)),)
        for name, variant in variants:
            result = explore(scene, variant, preemptions=args.preemptions)
            good = good and (result.result == "failure") == (name == "broken")
            print(_line(name, result) if args.json else _told(scene, name, result), flush=True)
    return 0 if good else 1


def _line(variant: str, result: Result) -> str:
    return json.dumps(
        {
            "scene": result.scene,
            "variant": variant,
            "result": result.result,
            "schedules": result.schedules,
            "pruned": result.pruned,
            "shortest": result.shortest,
            "verdict": result.verdict,
            "bound": result.bound,
            "seconds": round(result.seconds, 3),
        }
    )


def _told(scene: Scene, name: str, result: Result) -> str:
    what = scene.missing if name == "broken" else scene.title
    ran = f"{result.schedules} schedules, {result.pruned} pruned, {result.seconds:.1f} s"
    if result.result == "failure":
        end = f"FAILS: {result.verdict}\n    shortest schedule {result.shortest}"
    elif result.bound:
        end = f"no failure {result.bound}, which is not 'no failure'"
    else:
        end = "no failure in any schedule"
    return f"{scene.name} ({name}: {what})\n    {end}\n    {ran}"


def _play(scene: Scene, schedule: str) -> int:
    scheduler = scene.start("broken")
    for letter in schedule:
        try:
            segment = scheduler.go(letter)
        except ValueError as error:
            raise BadInput(str(error)) from error
        print(f"{letter}  {scheduler.tell(segment.step)}")
        if scheduler.verdict is not None:
            break
    print(scheduler.verdict or "no rule is broken", file=sys.stdout)
    return 1 if scheduler.verdict else 0
