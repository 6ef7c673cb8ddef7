"""A scheme's process decides nothing: whatever it says of itself, the judge counts on its own engine.

The classes run unread here, as if the reading of their text had missed all of it.
"""

from contextlib import contextmanager
from random import Random
from textwrap import dedent, indent

import pytest

from ptlab.classroom import remote_columns, remote_scheme, sandbox, scheme_question
from ptlab.classroom.box_process import Stopped
from ptlab.classroom.box_ways import Limits
from ptlab.classroom.remote_scheme import Raised
from ptlab.classroom.sandbox import scheme
from ptlab.classroom.scheme_judge import measured, run
from ptlab.classroom.sets import find
from ptlab.classroom.solutions import scheme_answers

PROGRAM = "mmap s0 2M\ntouch w s0 2M\nmadvise DONTNEED s0 2M"

ATTACKS = {
    "frame of a traceback": """
        import sys
        def zapped(self, *rest):
            frame = sys._getframe()
            while frame:
                for module in (frame.f_globals, frame.f_locals):
                    module.update(run=None, verdict={"verdict": 6}, points=6)
                frame = frame.f_back
            return ()""",
    "match pattern": """
        def zapped(self, *rest):
            try:
                1 / 0
            except ZeroDivisionError as error:
                match error:
                    case object(__traceback__=tb):
                        match tb:
                            case object(tb_frame=frame):
                                match frame:
                                    case object(f_globals=names):
                                        names["json"] = None
            return ()""",
    "a parameter called self": """
        def zapped(self, mm, *rest):
            def change(self): self.vmpte_kb = 0
            change(mm)
            return ()""",
    "the judge's run": """
        import ptlab.classroom.scheme_judge as trial
        trial.run = lambda *rest: trial.Run(0, 0, 0, 0, 0, 0)
        trial.explore = None
        def zapped(self, *rest): return ()""",
    "the invariants": """
        import ptlab.process.process as process
        process.Process.check = lambda self: None
        def zapped(self, mm, tables, walk, why, tlb):
            yield mm.unhook_pte(tables, "answer")""",
    "the cost meter": """
        import ptlab.costs.meter as meter
        meter.Meter.finish = lambda self: None
        def zapped(self, *rest): return ()""",
    "store.put on __dict__": """
        def zapped(self, mm, *rest):
            mm.machine.store.put(mm.machine, "__dict__", "observe", None)
            return ()""",
    "store.put on a counter": """
        def zapped(self, mm, *rest):
            mm.machine.store.put(mm, "counters", 0, 0)
            return ()""",
    "store.put on the entries": """
        def zapped(self, mm, tables, *rest):
            mm.machine.store.put(mm.machine.mem, "entries", (tables, slice(None)), 0)
            return ()""",
    "a method that is not offered": """
        def zapped(self, mm, *rest):
            mm._engine.ask("call", list(mm._ref), "count", [{"plain": 0}, {"plain": -1}], {})
            return ()""",
    "an attribute that is not offered": """
        def zapped(self, mm, *rest):
            mm._engine.ask("get", list(mm._ref), "__class__")
            return ()""",
    "another's number": """
        def zapped(self, mm, *rest):
            mm._engine.ask("call", ["Machine", 10**6], "lock", [], {})
            return ()""",
    "a step that is made and not yielded": """
        def zapped(self, mm, tables, *rest):
            yield from mm.machine.lock("f", "pmd_lock", mm.machine.mem.parent_of(tables), "spin", 1)
            yield from mm.machine.lock("f", "ptl", tables, "spin", 1)
            mm.unhook_pte(tables, "f")
            yield mm.machine.unlock("f", "ptl", 1)
            yield mm.machine.unlock("f", "pmd_lock", 1)
            rest[-1].free_tables(tables)""",
    "a step that is yielded twice": """
        def zapped(self, mm, tables, *rest):
            yield from mm.machine.lock("f", "ptl", tables, "spin", 1)
            step = mm.machine.unlock("f", "ptl", 1)
            yield step
            yield step
            yield step""",
    "what the class says of itself, changed while it runs": """
        def zapped(self, mm, *rest):
            self.stays_empty = "count"
            self.zap_mode = "write"
            return ()""",
    "memory without end": """
        def __init__(self):
            self.all = []
        def zapped(self, mm, *rest):
            while True: self.all.extend(list(range(19_000)))
            return ()""",
    "a number that is none": """
        def zapped(self, mm, *rest):
            mm._engine.ask("call", ["Machine", "x"], "lock", [], {})
            return ()""",
    "a column of another": """
        def zapped(self, mm, *rest):
            mm.machine.mem.nonnone[0:100] = 0
            return ()""",
    "a cost below zero": """
        from ptlab.base.steps import Step
        def zapped(self, mm, tables, *rest):
            yield Step("scan", "answer", tables, -10**6, 1, None)""",
    "a step without its deed": """
        from ptlab.base.steps import Step
        def zapped(self, mm, tables, *rest):
            yield Step("unhook", "answer", tables)""",
    "its own invariants": """
        def check(self, mm): return {"verdict": 6}
        def zapped(self, *rest): return ()""",
    "a verdict on the wire": """
        def zapped(self, mm, *rest):
            mm._engine.go.write(b'{"verdict": 6}\\n')
            return ()""",
    "lines that are no messages": """
        def zapped(self, mm, *rest):
            mm._engine.go.write(b'[' * 10**5 + b'\\n')
            return ()""",
    "a line without an end": """
        def zapped(self, mm, *rest):
            while True: mm._engine.go.write(b'[' * 10**6)""",
    "questions without an end": """
        def zapped(self, mm, *rest):
            while True: mm.vmpte_kb""",
    "a verdict that it catches": """
        def zapped(self, mm, tables, *rest):
            try: mm.machine.unlock("answer", "pmd_lock")
            except BaseException: pass
            return ()""",
    "a huge array": """
        def __init__(self):
            self._ = 0
        def zapped(self, mm, *rest):
            mm._engine.ask("keep", "x", "ndarray",
                {"array": [0], "type": "V1000000000"}, None)
            return ()""",
    "an object array": """
        def zapped(self, mm, *rest):
            mm._engine.ask("keep", "x", "ndarray", {"array": [0], "type": "O"}, None)
            return ()""",
    "a point put over another": """
        def zapped(self, *rest):
            self.check = 0
            return ()""",
    "the class of the scheme": """
        def zapped(self, mm, *rest):
            mm._engine.ask("keep", "__class__", "int", {"plain": 0}, None)
            return ()""",
    "exit": """
        import os
        def zapped(self, *rest): os._exit(0)""",
    "no answer": """
        import time
        def zapped(self, *rest): time.sleep(100)""",
    "a signal": """
        import os
        def zapped(self, *rest): os.kill(os.getppid(), 9)""",
    "recursion": """
        def zapped(self, *rest): return self.zapped(*rest)""",
    "exception group": """
        def zapped(self, *rest): raise ExceptionGroup("6", [ValueError(6)])""",
    "metaclass": """
        def __class_getitem__(cls, x): return 6
        __hash__ = None
        def zapped(self, *rest): return ()""",
    "descriptors": """
        class Six:
            def __get__(self, *rest): return lambda *rest: 6
        check = Six()
        def zapped(self, *rest): return ()""",
    "__reduce__": """
        def __reduce__(self): return (exit, ())
        def zapped(self, mm, *rest):
            self.x = self
            return ()""",
}


HEAD = "from ptlab import ReclaimScheme\n\n\nclass Answer(ReclaimScheme):\n    name = 'answer'\n"


@pytest.fixture(autouse=True)
def unread(monkeypatch):
    monkeypatch.setattr(sandbox, "object_to", lambda text: None)
    monkeypatch.setattr(sandbox, "object_to_use", lambda tree, kind: None)
    monkeypatch.setattr(remote_scheme, "MESSAGES", 5000)


def answer(methods):
    lines = dedent(methods).splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    rest = "\n".join(line for line in lines if line not in imports)
    return scheme_answers.as_code("\n".join([*imports, HEAD]) + indent(rest, "    "))


ALONE = (
    "a verdict on the wire", "lines that are no messages", "a line without an end",
    "questions without an end", "memory without end", "exit", "no answer", "recursion",
    "its own invariants", "the judge's run", "descriptors", "frame of a traceback",
)  # fmt: skip
"""They end their process, or put it out of step; or they are about the class itself."""


@pytest.mark.parametrize("attack", ALONE)
def test_an_attack_frees_nothing_and_changes_nothing(attack):
    """The program's tables stay as they were: the class did not free one, so it gets no point."""
    try:
        with scheme(answer(ATTACKS[attack]), Limits(seconds=1, mib=512)) as design:
            found = run(design, PROGRAM)
    except Stopped as stopped:
        assert "opens a file" not in str(stopped), "the attack itself has not begun"
        return
    assert found.broken or found == measured("unmap_only", PROGRAM)


ASKS = {
    "a look at the simulator's count": ("mem", '"column", ref, "nonnone", "[]", [{"plain": 0}]'),
    "a write to the engine's counters": (
        "store",
        '"call", ref, "put", [e.encode(mm), {"plain": "counters"}, {"plain": 1}, {"plain": 0}], {}',
    ),
}


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("kind", ["Machine", "Step", "Own", "Functions"])
def test_what_may_be_done_with_an_object_does_not_depend_on_what_it_is_called(ask, kind):
    part, request = ASKS[ask]
    lie = f"""
        def zapped(self, mm, *rest):
            e, ref = mm._engine, [{kind!r}, mm.machine.{part}._ref[1]]
            try: e.ask({request})
            except Exception: return ()
            raise RuntimeError("it was done")"""
    with scheme(answer(lie), Limits(seconds=5, mib=512)) as design:
        assert run(design, PROGRAM) == measured("unmap_only", PROGRAM)
        assert not design.peeked


def assert_stopped(body, why):
    with (
        pytest.raises(Stopped, match=why),
        scheme(answer(body), Limits(seconds=5, mib=512)) as design,
    ):
        run(design, PROGRAM)


def test_what_a_process_sends_in_all_is_bounded(monkeypatch):
    monkeypatch.setattr(remote_scheme, "BYTES", 100_000)
    much = """
        def __init__(self): self.x = {}
        def zapped(self, mm, *rest):
            for k in range(10): self.x[k] = "x" * 20_000
            return ()"""
    assert_stopped(much, "did not answer as it should")


@pytest.mark.parametrize(
    "where",
    [
        '{"array": [0] * 30_000, "type": "<i8"}',
        '{"tuple": [{"array": [[0]] * 500, "type": "<i8"}, {"array": [0] * 500, "type": "<i8"}]}',
    ],
)
def test_no_index_asks_for_more_than_memory_holds(where):
    ask = f"""
        def zapped(self, mm, *rest):
            mm._engine.ask("column", list(mm.machine.mem._ref), "entries", "[]", [{where}])
            return ()"""
    assert_stopped(ask, "more than 20000 elements|larger or deeper than what")


@pytest.mark.parametrize(
    ("methods", "why"),
    [
        (
            """
        def zapped(self, mm, tables, *rest):
            step = mm.unhook_pte(tables, "answer")
            yield step
            yield step""",
            "it yields a step twice",
        ),
        (
            """
        from ptlab.base.facts import Scan
        from ptlab.base.steps import Kind, Step
        def zapped(self, *rest): yield Step(Kind.SCAN, "x", None, 1 << 31, 1, Scan(0))""",
            "can only be a scan",
        ),
        (
            """
        def zapped(self, mm, *rest):
            keep = "keep", "x", "defaultdict", {"plain": {"dict": []}}
            mm._engine.ask(*keep, {"plain": [0] * 5000})
            return ()""",
            "has for a new key is too large",
        ),
        (
            """
        from collections import defaultdict
        def __init__(self): self.x = defaultdict(int)
        def zapped(self, *rest):
            return [self.x[k] for k in range(99)]""",
            "more than 50 elements",
        ),
    ],
    ids=["a step twice", "a giant scan", "a large default", "a default without end"],
)
def test_what_only_a_protocol_could_say_is_refused(methods, why, monkeypatch):
    monkeypatch.setattr(remote_columns, "MOST_KEPT", 50)
    assert_stopped(methods, why)


TURNS = """
class Answer(ReclaimScheme):
    name = "answer"
    def __init__(self):
        Answer.turn = turns.pop(0)
        if "__init__" in vars(Answer.turn): Answer.turn.__init__(self)
    def zapped(self, *rest):
        return Answer.turn.zapped(self, *rest)
"""


def test_attacks_one_after_the_other_free_nothing_and_change_nothing(monkeypatch):
    """In one process: each scheme that the judge begins is the next attack."""
    monkeypatch.setattr(remote_scheme, "MESSAGES", 50_000)
    names = [name for name in ATTACKS if name not in ALONE]
    parts, turns = ["from ptlab import ReclaimScheme"], []
    for number, name in enumerate(names):
        lines = dedent(ATTACKS[name]).strip().splitlines()
        parts += [line for line in lines if line.startswith(("import ", "from ", "process."))]
        parts += [line for line in lines if line.startswith("meter.")]
        methods = [line for line in lines if line.startswith(("def ", " "))]
        parts.append(f"class Turn{number}:\n" + indent("\n".join(methods), "    "))
        turns.append(f"Turn{number}")
    text = "\n".join([*parts, f"turns = [{', '.join(turns)}]", TURNS])
    with scheme(scheme_answers.as_code(text), Limits(seconds=5, mib=512)) as design:
        for name in names:
            try:
                found = run(design, PROGRAM)
            except Raised as raised:
                assert "NameError" not in str(raised), (name, raised)
                continue
            assert found.broken or found == measured("unmap_only", PROGRAM), name


@pytest.mark.parametrize("name", ["scheme-1", "scheme-2", "scheme-3"])
def test_a_right_class_comes_out_as_if_it_had_run_here(name, monkeypatch):
    monkeypatch.setattr(remote_scheme, "MESSAGES", 200_000)
    monkeypatch.setattr(scheme_question, "SCENES", scheme_question.SCENES[:2])
    question, cell = find(name), scheme_answers.right(name)
    problem = question.pose(Random(3))
    there = question.grade(problem, scheme_answers.as_code(cell))

    @contextmanager
    def here(given):
        names = {"__name__": "answer"}
        exec(given.text, names)
        names["Answer"].peeked = set()
        yield names["Answer"]

    monkeypatch.setattr(scheme_question, "scheme", here)
    assert there == question.grade(problem, scheme_answers.as_code(cell))
    assert all(finding.ok for finding in there)
