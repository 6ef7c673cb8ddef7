"""Attacks of an answer that is a function. Each returns something true only if it has won anything.

This text is the answer itself: it runs in the sandbox's process, unread.
"""

import sys

ATTACKS = {}


def attack(kind):
    def note(function):
        ATTACKS[f"{kind}: {function.__name__}"] = function
        return function

    return note


def judge(names):
    """Whether these are the names of a module that judges or solves."""
    return "FunctionQuestion" in names or "SchemeQuestion" in names or "trial" in names


def in_frames(frame):
    while frame is not None:
        if judge(frame.f_globals):
            return "the judge's names"
        frame.f_globals.update(_FORBIDDEN=(), _READABLE="", _guard=None)
        frame = frame.f_back
    return None


@attack("frames")
def getframe():
    return in_frames(sys._getframe())


@attack("tracebacks")
def traceback_of_the_hook():
    try:
        open("/etc/hostname")
    except BaseException as error:
        tb = error.__traceback__
        while tb.tb_next:
            tb = tb.tb_next
        tb.tb_frame.f_locals.update(refused=print, readable="", begins=lambda *a: False)
        return in_frames(tb.tb_frame) or open("/etc/hostname").read()


@attack("match patterns")
def hidden_attributes():
    try:
        1 / 0
    except ZeroDivisionError as error:
        match error:
            case object(__traceback__=object(tb_frame=object(f_back=frame))):
                return in_frames(frame)


@attack("generators")
def gi_frame():
    def names():
        yield names.__globals__

    generator = names()
    next(generator)
    return in_frames(generator.gi_frame) or judge(next(names()))


@attack("generators")
def throw_and_close():
    def stubborn():
        while True:
            try:
                yield 1
            except GeneratorExit as end:
                raise RuntimeError(in_frames(end.__traceback__.tb_frame)) from None

    generator = stubborn()
    next(generator)
    try:
        generator.close()
    except RuntimeError as error:
        return error.args[0]


@attack("generators")
def cr_frame():
    async def nothing():
        return 1

    coroutine = nothing()
    try:
        return in_frames(coroutine.cr_frame)
    finally:
        coroutine.close()


@attack("attributes by other routes")
def attrgetter():
    from operator import attrgetter

    space = attrgetter("__globals__")(attack)
    return space["__builtins__"]["open"]("/etc/hostname").read()


@attack("attributes by other routes")
def subclasses():
    names = [cls.__name__ for cls in object.__subclasses__()]
    return "FunctionQuestion" in names or "SchemeQuestion" in names


@attack("attributes by other routes")
def getattr_static():
    import inspect

    return judge(inspect.getattr_static(type(attack), "__globals__").__get__(attack))


@attack("format strings")
def format_string():
    return "FunctionQuestion" in f"{attack.__globals__}"


@attack("format strings")
def format_map():
    class Names(dict):
        def __missing__(self, key):
            return sys.modules

    return "ptlab.classroom.function_question" in "{x}".format_map(Names())


@attack("descriptors")
def property_on_the_module_of_the_hook():
    import __main__

    class Six:
        def __get__(self, *rest):
            return lambda *rest: None

        __set__ = __call__ = __get__

    for name in ("_guard", "_limit", "_FORBIDDEN", "_READABLE"):
        setattr(__main__, name, Six())
    return open("/etc/hostname").read()


@attack("metaclasses")
def equal_to_everything():
    class Meta(type):
        def __eq__(cls, other):
            return True

        __hash__ = type.__hash__

        def __instancecheck__(cls, other):
            return True

    class Path(str, metaclass=Meta):
        __class__ = str

    return open(Path("/etc/hostname")).read()


@attack("__init_subclass__")
def hooks_of_classes():
    from ptlab import ReclaimScheme

    seen = []

    class Base(ReclaimScheme):
        def __init_subclass__(cls, **more):
            seen.append(in_frames(sys._getframe(1)))

        def __set_name__(self, *rest):
            seen.append(in_frames(sys._getframe(1)))

    type("Derived", (Base,), {"x": Base()})
    return any(seen)


@attack("exception groups")
def group():
    found = []
    try:
        raise ExceptionGroup("six", [ValueError(6), TypeError(6)])
    except* ValueError as group:
        found.append(in_frames(group.__traceback__.tb_frame))
    except* TypeError as group:
        found.append(in_frames(group.exceptions[0].__traceback__))
    return any(found)


@attack("copy and pickle")
def pickle_of_a_command():
    import pickle

    return pickle.loads(b"cposix\nsystem\n(S'true'\ntR.") == 0


@attack("copy and pickle")
def reduce_of_a_file():
    import copy

    class Reads:
        def __reduce__(self):
            return open, ("/etc/hostname",)

    return copy.copy(Reads()).read()


@attack("buffers")
def fromfile():
    import numpy

    return bool(numpy.fromfile("/etc/hostname", "u1").size)


@attack("buffers")
def memmap():
    import numpy

    return bool(numpy.memmap("/etc/hostname", "u1", "r").size)


@attack("array interfaces")
def array_of_objects():
    import numpy

    class Array:
        def __array__(self, *rest):
            return numpy.array([sys.modules], object)

    return judge(numpy.array(Array()).tolist()[0])


@attack("audit hook")
def path_that_lies():
    class Path(str):
        def __str__(self):
            return "x.py"

        def endswith(self, *rest):
            return True

    return open(Path("/etc/hostname")).read()


@attack("audit hook")
def mode_that_lies():
    class Mode(str):
        def __eq__(self, other):
            return True

        __hash__ = str.__hash__

    return open("/tmp/x.py", Mode("w"))


@attack("audit hook")
def bytes_and_paths():
    import os
    import pathlib

    opened = []
    for path in (b"/etc/hostname", pathlib.Path("/etc/hostname")):
        for way in (open, lambda path: os.open(path, 0)):
            try:
                opened.append(way(path))
            except BaseException:
                pass
    return opened


@attack("audit hook")
def a_file_by_its_number():
    for number in range(3, 30):
        try:
            return open(number).read()
        except BaseException:
            pass


@attack("audit hook")
def sqlite():
    import sqlite3

    return sqlite3.connect("/etc/hostname")


@attack("audit hook")
def a_hook_of_its_own():
    sys.addaudithook(lambda *rest: None)
    return open("/etc/hostname").read()


@attack("ctypes")
def ctypes_itself():
    import ctypes

    return ctypes.CDLL(None).getpid()


@attack("ctypes")
def by_numpy():
    import numpy

    return numpy.ctypeslib.ctypes.CDLL(None).getpid()


@attack("ctypes")
def in_the_list_of_modules():
    return sys.modules["_ctypes"].dlopen(None, 0)


@attack("threads")
def thread():
    import threading

    threading.Thread(target=print).start()
    return True


@attack("children")
def fork():
    import os

    return os.fork()


@attack("children")
def without_an_event():
    import _posixsubprocess  # subprocess.Popen would be seen
    import os

    read, write = os.pipe()
    return _posixsubprocess.fork_exec(
        [b"/bin/true"], (b"/bin/true",), True, (write,), None, None, -1, -1, -1, -1, -1, -1, read,
        write, False, False, 0, None, None, None, -1, None, True,
    )  # fmt: skip


@attack("signals")
def others():
    import os

    done = 0
    for pid in (1, os.getppid(), -1):
        try:
            os.kill(pid, 9)
            done = pid
        except BaseException:
            pass
    return done


@attack("/proc")
def environ():
    import os

    found = ""
    for pid in os.listdir("/proc"):
        for file in ("environ", "cmdline", "maps", "status"):
            try:
                found += open(f"/proc/{pid}/{file}").read()
            except BaseException:
                pass
    return found


@attack("links")
def link():
    import os

    os.symlink("/etc/hostname", "/tmp/x.txt")
    return open("/tmp/x.txt").read()


@attack("metadata")
def the_solutions():
    import importlib

    found = []
    for folder in ("sets", "solutions"):
        for name in ("walk", "walk_any", "walk_tables", "scheme", "leak", "of_questions"):
            try:
                found.append(importlib.import_module(f"ptlab.classroom.{folder}.{name}"))
            except ImportError:
                pass
    return found


@attack("metadata")
def the_simulator():
    import importlib

    for name in ("process.process", "base.geometry", "paths.zap", "classroom.ask"):
        try:
            return importlib.import_module(f"ptlab.{name}")
        except ImportError:
            pass


@attack("metadata")
def the_text_of_the_solutions():
    import os

    from ptlab import classroom

    texts = []
    for folder in ("", "sets", "solutions", "practice"):
        for name in (
            "walk.py",
            "walk_any.py",
            "answers/scheme-1.toml",
            "sandbox.py",
            "walk-4.json",
        ):
            try:
                texts.append(open(os.path.join(classroom.__path__[0], folder, name)).read())
            except BaseException:
                pass
    return any(text in "".join(texts) for text in ("def truth", "right = ", '"truth"'))


@attack("stdout")
def a_verdict_of_its_own():
    print('{"verdict": [{"value": [6]}]}')
    sys.__stdout__.write('{"verdict": 6}\n')
    return False


def run(name):
    return bool(ATTACKS[name]())


def names(_):
    return list(ATTACKS)
