"""Started in front of a student's code: shut this process in, then run the command.

    python -I -S confine.py SPEC COMMAND...

SPEC is JSON, made in box.py, which also says in words what each way of shutting in holds off. This file
knows nothing of ptlab: it has to start in a hundredth of a second, and to run where ptlab is hidden.

Linux: user_namespaces(7), pid_namespaces(7), mount_namespaces(7), mount_setattr(2), prctl(2),
seccomp(2). The same file serves elsewhere for the limits alone.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from contextlib import suppress
from typing import Any, NoReturn

_NEWNS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 1 << 17, 1 << 27, 1 << 28, 1 << 29, 1 << 30
_MS_RDONLY, _MS_REMOUNT = 1, 32
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _ATTR_RDONLY, _ATTR_NOSUID = 442, -100, 0x8000, 1, 2
_PDEATHSIG, _DUMPABLE, _SECCOMP, _SECUREBITS, _NO_NEW_PRIVS, _FILTER = 1, 4, 22, 28, 38, 2
_NO_ROOT_AGAIN = 0x23
"""Secure bits (capabilities(7)): user 0 has no more rights than another, and that is locked."""

_SYSTEM = {"bin", "etc", "lib", "lib32", "lib64", "nix", "opt", "proc", "sbin", "sys", "usr"}
"""Of the root folder only these stay to be seen; with what SPEC shows."""
_DEVICES = ("null", "full", "random", "urandom")  # zero would give memory that nobody counts
_POLL = 0.25


class Cannot(Exception):
    """This system does not allow it; the message says what."""


def main() -> None:
    """Shut in, run, and end as the command ends."""
    spec, command = json.loads(sys.argv[1]), sys.argv[2:]
    status = spec["status"]
    if status is not None:
        os.set_inheritable(status, False)
    try:
        if not spec["namespaces"]:
            _become(spec["user"])
            _tell(status, {"way": spec["way"]})
            _run(spec, command, status)
        _new_namespaces(spec["user"])
        first = os.fork()
        if first == 0:
            _first_process(spec, command, status)
    except (Cannot, OSError) as error:
        _tell(status, {"cannot": str(error)[:300]})
        sys.exit(1)
    if status is not None:
        os.close(status)
    _end_like(_wait(first))


def _tell(status: int | None, what: dict[str, Any]) -> None:
    if status is not None:
        with suppress(BrokenPipeError):
            os.write(status, json.dumps(what).encode() + b"\n")


def _libc(name: str, *args: Any) -> int:
    """Call a function of the C library; OSError as os does it."""
    libc = ctypes.CDLL(None, use_errno=True)
    found: int = getattr(libc, name)(*args)
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return found


def _become(user: int | None) -> None:
    """From root to a user that owns nothing."""
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def _new_namespaces(user: int | None) -> None:
    """User 0 or whoever we are is in them with rights in them alone; `user` is there too."""
    users, groups = ([own, user] for own in (os.getuid(), os.getgid()))
    me, (come, go) = os.getpid(), os.pipe()
    writer = os.fork()  # a second user can be named from outside only
    if writer == 0:
        os.close(go)
        os.read(come, 1)
        with suppress(OSError):
            if user is None:  # without rights outside, this has to come first
                _write(f"/proc/{me}/setgroups", "deny")
            for file, numbers in (("uid_map", users), ("gid_map", groups)):
                lines = [f"{number} {number} 1" for number in numbers if number is not None]
                _write(f"/proc/{me}/{file}", "\n".join(lines))
            os._exit(0)
        os._exit(1)
    try:
        _libc("unshare", _NEWUSER | _NEWPID | _NEWNS | _NEWNET | _NEWIPC)
    finally:
        os.close(go)
        failed = os.waitpid(writer, 0)[1]
    if failed:
        raise Cannot("the users of its namespace cannot be named")


def _write(file: str, text: str) -> None:
    with open(file, "w") as out:
        out.write(text)


def _first_process(spec: dict[str, Any], command: list[str], status: int | None) -> NoReturn:
    """Process 1 of the namespace: hide what is not needed, start the command, end all with it."""
    try:
        _hide(spec)
        _give_up_rights()
        _become(spec["user"])
        _libc("prctl", _PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # a change of user would take it back
        _tell(status, {"way": spec["way"]})
        child = os.fork()
        if child == 0:
            _run(spec, command, status)
        _libc("prctl", _DUMPABLE, 0, 0, 0, 0)  # nobody in here opens the pipe to the grader
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        ended = _reap(child, spec["mib_together"], status)
    except Exception as error:  # whatever it is, it is not the command's
        _tell(status, {"cannot": str(error)[:300]})
        os._exit(1)
    _tell(status, {"left": sorted({_name(pid) for pid in _others()} - {""})[:20]})
    os._exit(128 + os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else os.WEXITSTATUS(ended))


def _hide(spec: dict[str, Any]) -> None:
    """A file system that can be read only, with little in it, and a /proc of this namespace alone."""
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    attributes = (ctypes.c_uint64 * 4)(_ATTR_RDONLY | _ATTR_NOSUID, 0, 0, 0)
    _libc("syscall", _MOUNT_SETATTR, _AT_FDCWD, b"/", _AT_RECURSIVE, attributes, 32)
    seen = [*spec["show"], *(f"/dev/{name}" for name in _DEVICES)]
    places = {path: os.open(path, os.O_PATH) for path in seen if os.path.exists(path)}
    _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    folders = [entry for entry in os.scandir("/") if entry.is_dir(follow_symlinks=False)]
    covered = [entry.path for entry in folders if entry.name not in _SYSTEM]
    null = f"/proc/self/fd/{places['/dev/null']}"  # /dev itself may be covered by now
    for path in covered:
        _cover(path, null)
    for path in sorted({*places, *spec["hide"]}):  # what is outside comes before what is inside
        if path not in places:
            _cover(path, null)
        elif not os.path.exists(path):
            folder = os.path.isdir(f"/proc/self/fd/{places[path]}")
            os.makedirs(path if folder else os.path.dirname(path), exist_ok=True)
            if not folder:
                os.close(os.open(path, os.O_CREAT))
            _mount(f"/proc/self/fd/{places[path]}", path, None, _MS_BIND | _MS_REC)
    os.makedirs(spec["room"], exist_ok=True)
    _mount("tmpfs", spec["room"], "tmpfs", _MS_NOSUID | _MS_NODEV, "size=64m,mode=700")
    for path in covered:  # nothing can be put where the grader's folders were, either
        _mount(None, path, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
    if spec["user"] is not None:
        os.chown(spec["room"], spec["user"], spec["user"])


def _cover(path: str, null: str) -> None:
    """An empty folder in its place, or `null`: an empty file."""
    if os.path.isdir(path):
        _mount("tmpfs", path, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m,mode=755")
    elif os.path.exists(path):
        _mount(null, path, None, _MS_BIND)


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    def text(value: str | None) -> bytes | None:
        return None if value is None else os.fsencode(value)

    try:
        _libc("mount", text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data))
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}, at {target}") from None


def _give_up_rights() -> None:
    """No namespace of its own for anybody in here, and no rights that an exec could bring back."""
    _write("/proc/sys/user/max_user_namespaces", "0")
    for name in ("shmmni", "msgmni"):  # memory that no process's limit counts
        with suppress(OSError):
            _write(f"/proc/sys/kernel/{name}", "0")
    _libc("prctl", _SECUREBITS, _NO_ROOT_AGAIN, 0, 0, 0)


def _run(spec: dict[str, Any], command: list[str], status: int | None) -> NoReturn:
    """Set the limits and become the command; the status pipe says why that fails."""
    try:
        _limit(spec)
        if sys.platform == "linux":
            with suppress(OSError):  # if memory runs out, this goes first and not the grader
                _write("/proc/self/oom_score_adj", "1000")
            _libc("prctl", _NO_NEW_PRIVS, 1, 0, 0, 0)
            if program := bytes.fromhex(spec["filter"]):  # struct sock_fprog of linux/filter.h
                where = ctypes.cast(ctypes.c_char_p(program), ctypes.c_void_p).value
                told = struct.pack("@HP", len(program) // 8, where)
                _libc("prctl", _SECCOMP, _FILTER, told, 0, 0)
        os.chdir(spec["room"])
        with suppress(OSError):
            os.chdir(spec["folder"])
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execv(command[0], command)
    except (Cannot, OSError) as error:
        _tell(status, {"cannot": str(error)[:300]})
    os._exit(127)


def _limit(spec: dict[str, Any]) -> None:
    """The limits. Cannot: whoever grades has less than an answer may use."""
    for name, most, least in spec["limits"]:
        with suppress(ValueError, OSError, AttributeError):  # macOS does not know every limit
            what = getattr(resource, name)
            hard = resource.getrlimit(what)[1]
            if hard != resource.RLIM_INFINITY and hard < least:
                raise Cannot(f"the grader's own {name} (ulimit) is {hard}, and {least} are needed")
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(what, (most, most))


def _reap(child: int, mib: int, status: int | None) -> int:
    """Wait for the command, and meanwhile for orphans; end it if all use too much memory together."""
    while True:
        done, ended = os.waitpid(-1, os.WNOHANG)
        if done == child:
            return ended
        if done == 0:
            if sum(map(_kib, _others())) > mib << 10:
                _tell(status, {"memory": mib})
                os._exit(128 + signal.SIGKILL)
            _wait_for_child(_POLL)


def _wait_for_child(seconds: float) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    signal.sigtimedwait([signal.SIGCHLD], seconds)


def _others() -> list[int]:  # all processes of this namespace but the first
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def _name(pid: int) -> str:
    with suppress(OSError), open(f"/proc/{pid}/stat", errors="replace") as file:
        name, state = file.read().split("(", 1)[1].rsplit(")", 1)
        return "" if state.split()[0] in "ZX" else name
    return ""


def _kib(pid: int) -> int:
    with suppress(OSError), open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * 4
    return 0


def _wait(child: int) -> int:
    """Outside: wait for the namespace's first process. If whoever started this has ended, end too."""
    above = os.getppid()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    while True:
        done, ended = os.waitpid(child, os.WNOHANG)
        if done:
            return ended
        if os.getppid() != above:
            os._exit(1)
        _wait_for_child(4 * _POLL)


def _end_like(ended: int) -> NoReturn:
    code = os.WTERMSIG(ended) + 128 if os.WIFSIGNALED(ended) else os.WEXITSTATUS(ended)
    if code > 128:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        with suppress(OSError, ValueError):
            signal.signal(code - 128, signal.SIG_DFL)
        os.kill(os.getpid(), code - 128)
    os._exit(code)


if __name__ == "__main__":
    main()
