"""`ptlab races`: try every schedule of a race scene."""

from __future__ import annotations

import argparse
import json
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from ptlab.base.lines import wrapped
from ptlab.cli.bad_input import BadInput
from ptlab.cli.parser import Lines
from ptlab.draw.names import plural
from ptlab.race.explore import explore
from ptlab.race.interactive import Race
from ptlab.race.known_failures import known_failure
from ptlab.race.result import Result
from ptlab.race.scenes import SCENES, Scene, Variant, find
from ptlab.schemes import SCHEMES, ReclaimScheme, scheme_class

_EPILOG = """\
examples:
  ptlab races                      the scenes there are
  ptlab races abc                  the naive freeing, broken and fixed
  ptlab races abc --play AAABBB    one schedule of the broken variant, step by step
  ptlab races abc --play AAABBBB --perfetto abc.json
  ptlab races abc --scheme pt_reclaim
  ptlab races --scheme percpu_ref  all scenes that make sense under another scheme
  ptlab races --scheme all --jobs 2  all scenes under each of the nine designs, on two processes
  ptlab races --all --json         the same, and each scene broken and fixed; one JSON object a line
  ptlab races abc --seconds 5      what five seconds show

A scheme of your own is a class, so run its races in Python: ptlab.races(Yours). To be the
scheduler, use ptlab.race("abc", scheme=Yours). docs/own_scheme.md shows both.

Each line says whether the scene was exercised: whether what it puts to the test has happened.

exit status: 0 if every broken variant fails and no other does, 1 otherwise, 2 for bad input;
with --play: 1 if a rule is broken. Under all designs, percpu_ref may fail in the two ways in which it
is known to break, as it was posted; each such line says "known"."""


def add_parser(commands: Any) -> None:
    """Add the command to the parser of `ptlab`."""
    parser = commands.add_parser(
        "races",
        description="Run every interleaving of a small scene that can make a difference.",
        epilog=_EPILOG,
        formatter_class=Lines,
    )
    parser.add_argument("names", metavar="SCENE", nargs="*", help="scenes to explore")
    parser.add_argument(
        "--all", action="store_true", help="every scene, broken and fixed, and all nine designs"
    )
    parser.add_argument(
        "--scheme",
        help="run the scenes under this scheme, with all precautions in place; `all` is all nine",
    )
    parser.add_argument("--preemptions", type=int, metavar="N", help="at most N preemptions")
    parser.add_argument("--play", metavar="SCHEDULE", help="run one schedule")
    parser.add_argument(
        "--perfetto",
        metavar="OUT",
        help="with --play, also write a trace that ui.perfetto.dev opens: a thread for each task",
    )
    parser.add_argument(
        "--most",
        type=int,
        metavar="N",
        help="at most N schedules for one scene (2000 with --scheme)",
    )
    parser.add_argument(
        "--seconds", type=float, metavar="S", help="at most S seconds for one scene"
    )
    parser.add_argument("--first", action="store_true", help="stop a scene at its first failure")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="use N processes")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(command=command)


def command(args: argparse.Namespace) -> int:
    """Explore, or play one schedule, or list the scenes."""
    try:
        if args.jobs < 1:
            raise ValueError(f"jobs: {args.jobs} is below 1; at least 1 process must run")
        if args.jobs == 1:
            return 0 if _explore(args, None) else 1
        with ProcessPoolExecutor(args.jobs, get_context("spawn")) as executor:
            return 0 if _explore(args, executor) else 1
    except ValueError as error:
        raise BadInput(str(error)) from error


def _explore(args: argparse.Namespace, executor: Executor | None) -> bool:
    """Whether every broken variant fails, and no other; with --play, whether no rule is broken."""
    good, designs = True, _designs(args)
    if args.perfetto and args.play is None:
        raise ValueError("--perfetto writes one schedule: give it with --play")
    for scheme in designs:
        scenes = _scenes(args, scheme)
        if args.play is not None:
            variant = "broken" if scheme is None else scenes[0].under(scheme)
            return _play(scenes[0], variant, args.play, args.perfetto)
        most = args.most or (2000 if scheme else None)
        for scene in scenes:
            for name, variant in _variants(scene, scheme):
                result = explore(
                    *(scene, variant, executor, args.preemptions, most, args.seconds, args.first)
                )
                under = scheme or scene.variant(name).scheme
                known = known_failure(under.name, result.verdict) if len(designs) > 1 else ""
                good = good and bool(known or (result.result == "failure") == (name == "broken"))
                print(
                    _line(name, under.name, result, known)
                    if args.json
                    else _text(scene, result, known),
                    flush=True,
                )
    return good


def _designs(args: argparse.Namespace) -> list[type[ReclaimScheme] | None]:
    """The designs to run the scenes under; None: each scene broken and fixed, under its own."""
    if args.scheme and args.scheme != "all":
        return [scheme_class(args.scheme)]
    every: list[type[ReclaimScheme] | None] = []
    every += [scheme_class(name) for name in SCHEMES] if args.scheme or args.all else []
    return every if args.scheme else [None, *every]


def _scenes(args: argparse.Namespace, scheme: type[ReclaimScheme] | None) -> list[Scene]:
    """The scenes to explore. With no scene and no scheme given, print the list of scenes."""
    if args.all and args.names:
        raise ValueError(f"--all is every scene: leave {' '.join(args.names)} out, or --all")
    named = [find(name) for name in args.names]
    for scene in named:
        if scheme is not None and not scene.own_scheme:
            raise ValueError(
                f"scene {scene.name} is about one design and makes no sense under {scheme.name}"
            )
    if args.play is not None and len(named) != 1:
        raise ValueError(f"--play runs one scene, not {len(named) or 'none'}: name it")
    if named:
        return named
    if scheme is not None:
        return [scene for scene in SCENES.values() if scene.own_scheme]
    if not args.all:
        for scene in SCENES.values():
            print(wrapped(scene.title, f"{scene.name:13} "))
    return list(SCENES.values()) if args.all else []


def _variants(scene: Scene, scheme: type[ReclaimScheme] | None) -> list[tuple[str, str | Variant]]:
    """The variants to explore, by the name that --json gives them."""
    if scheme is not None:
        return [("fixed", scene.under(scheme))]
    return [("broken", "broken"), ("fixed", "fixed")]


def _line(variant: str, scheme: str, result: Result, known: str) -> str:
    line = {
        "scene": result.scene,
        "variant": variant,
        "scheme": scheme,
        "result": result.result,
        "schedules": result.schedules,
        "shortest": result.shortest,
        "seconds": round(result.seconds, 3),
        "exercised": result.exercised,
    }
    more = {"bound": result.bound, "known": known}
    return json.dumps(line | {name: said for name, said in more.items() if said})


def _text(scene: Scene, result: Result, known: str) -> str:
    what = scene.missing if result.variant == "broken" else scene.title
    ran = f"{plural(result.schedules, 'schedule')}, {result.pruned} pruned, {result.seconds:.1f} s"
    if result.verdict is not None:
        cycles = "".join(
            f"\n    over all schedules, {one.sentence}" for one in result.locks.cycles()
        )
        end = f"FAILS: {result.verdict.sentence}\n    shortest schedule {result.shortest}{cycles}"
        lines = [*end.split("\n    "), result.tested()]
        lines += [f"known of {result.variant}: {known}"] if known else []
    else:
        lines = result.passed()
    head = wrapped(f"{scene.name} ({result.variant}: {what})", rest="  ")
    return "\n".join([head, *(wrapped(line, "    ") for line in [*lines, ran])])


def _play(scene: Scene, variant: str | Variant, schedule: str, perfetto: str | None) -> bool:
    scheduler = scene.start(variant)
    for letter in schedule:
        print(wrapped(scheduler.tell(scheduler.go(letter).step), f"{letter}  "))
        if scheduler.verdict is not None:
            break
    print(scheduler.verdict or "no rule is broken")
    if perfetto:
        try:
            Race(scene, variant, scheduler.schedule).export_perfetto(perfetto)
        except OSError as error:
            raise ValueError(f"{perfetto}: {error.strerror}") from error
    return scheduler.verdict is None
