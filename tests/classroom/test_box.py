"""What is in the box is shut in: in the strongest way, and in each way that works on this system."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ptlab.classroom import box, box_process, system_calls
from ptlab.classroom.box import way
from ptlab.classroom.box_process import Stopped
from ptlab.classroom.box_ways import PACKAGE, WAYS, Limits
from tests.support.boxes import running

apart = pytest.mark.skipif(
    not way().namespaces, reason=f"no namespaces of its own here; in force: {way().name}"
)
POSSIBLE = [way for way in WAYS if box._possible(way)]


def told(text, folder=None, hide=()):
    """What Python says of this expression in the box."""
    says = f"import json, os, sys\nprint(json.dumps({text}))"
    with running(says, folder=folder, hide=hide) as inside:
        return json.loads(inside.receive())


@pytest.mark.parametrize("one", POSSIBLE, ids=lambda one: one.name)
def test_every_way_starts_ends_and_keeps_the_environment_out(one, monkeypatch):
    monkeypatch.setenv("OF_THE_GRADER", "secret")
    with box._in_way(
        one, [sys.executable, "-c", "import os; print(os.environ)"], Limits()
    ) as inside:
        assert b"OF_THE_GRADER" not in inside.receive()
        inside.finish()
        assert inside.child.returncode == 0
        assert one.name == "nothing" or inside.said()["way"] == one.name


def test_the_ways_say_what_is_in_force():
    assert len({one.says for one in WAYS}) == len(WAYS)
    assert [("NO" in one.says) for one in WAYS] == [not one.namespaces for one in WAYS]


@apart
def test_no_other_process_and_nothing_of_the_root_folder_is_seen():
    processes, users, root = told(
        "[sorted(int(n) for n in os.listdir('/proc') if n.isdigit()), os.getuid(), "
        "[n for n in os.listdir('/') if n in ('home', 'root', 'tmp', 'var')"
        " and len(os.listdir('/' + n)) > 1 + (n == 'tmp')]]"
    )
    assert len(processes) <= 3 and 1 in processes
    assert users != 0 or os.getuid() == users
    assert root == []


@apart
def test_a_file_that_sorts_before_the_devices_can_be_hidden():
    """The checkout may be anywhere: the folder of the devices is covered before it is reached."""
    file = Path("/bin/true")
    assert told(f"os.path.getsize({str(file)!r})") == file.stat().st_size > 0
    assert told(f"os.path.getsize({str(file)!r})", hide=[file]) == 0


@apart
def test_no_file_can_be_changed_and_no_right_comes_back():
    attempts = [
        "open('/usr/x', 'w')",
        f"open({str(PACKAGE / 'x')!r}, 'w')",
        "os.unshare(os.CLONE_NEWUSER) if hasattr(os, 'unshare') else 1 / 0",
        "os.setuid(0) or os.mknod('/dev/sda', 0o600, 8 << 8)",
        "__import__('socket').create_connection(('127.0.0.1', 22), 1)",
        "__import__('ctypes').CDLL(None).mount(b'none', b'/mnt', b'tmpfs', 0, None) and 1 / 0",
        "os.kill(1, 9) or os.kill(os.getppid(), 9) or os.wait()",
    ]
    text = "def f(text):\n  try: eval(text)\n  except BaseException as e: return type(e).__name__"
    command = f"import json, os\n{text}\nprint(json.dumps(list(map(f, {attempts!r}))))"
    with running(command) as inside:
        assert None not in json.loads(inside.receive())


@apart
def test_a_folder_is_shown_where_it_is_and_what_is_to_be_hidden_is_not(tmp_path):
    course = tmp_path / "course"
    (course / "submitted").mkdir(parents=True)
    (course / "source").mkdir()
    (course / "submitted/data.txt").write_text("7")
    shown = told(
        f"[os.path.exists({str(course / 'source')!r}), os.path.exists('data.txt') or os.getcwd()]",
        folder=course / "submitted",
        hide=[course, PACKAGE / "race"],
    )
    assert shown[0] is False and shown[1]
    assert told(f"os.listdir({str(PACKAGE / 'race')!r})", hide=[PACKAGE / "race"]) == []


@apart
def test_all_that_it_has_started_ends_with_it_and_is_named():
    text = (
        "import subprocess, sys\n"
        "p = subprocess.Popen(['sleep', '600'], start_new_session=True)\nprint(p.pid, flush=True)"
    )
    with running(text, Limits()) as inside:
        inside.receive()
        inside.finish()
        assert inside.said()["left"] == ["sleep"]
    assert not _sleeping()


@apart
def test_what_is_killed_takes_all_with_it():
    text = (
        "import os, time\nfor _ in range(3): os.fork()\n"
        "os.setsid()\nprint(flush=True)\nos.execvp('sleep', ['sleep', '600'])"
    )
    with running(text, Limits(processes=16)) as inside:
        inside.receive()
    assert not _sleeping()


def _sleeping():
    """Whether a `sleep 600` of ours runs; the kernel ends a namespace in a moment."""
    for _ in range(50):
        found = subprocess.run(["pgrep", "-f", "^sleep 600$"], capture_output=True, text=True)
        if not found.stdout.split():
            return False
        time.sleep(0.1)
    return True


@apart
def test_a_fork_bomb_and_a_memory_bomb_stay_inside():
    bomb = (
        "import os\nn = 0\n"
        "try:\n  while True:\n    n += 1\n    if os.fork() == 0: os.execvp('sleep', ['sleep', '600'])\n"
        "except OSError: print(n, flush=True)"
    )
    with running(bomb, Limits(processes=12)) as inside:
        assert int(inside.receive()) <= 12


@pytest.mark.skipif(not way().namespaces, reason="no namespaces here")
def test_the_memory_of_all_processes_is_counted_together():
    forks = "import os, time\nfor _ in range(5):\n  if os.fork() == 0: break\n"
    with (
        running(
            f"{forks}x = bytearray(100 << 20)\ntime.sleep(60)", Limits(seconds=30, mib=200)
        ) as inside,
        pytest.raises(Stopped, match="more than 200 MiB"),
    ):
        inside.receive()


def test_what_says_nothing_is_stopped_and_what_says_too_much_is_cut():
    with (
        running("import time; time.sleep(60)", Limits(seconds=0)) as inside,
        pytest.raises(Stopped, match="did not end within 3 s"),
    ):
        inside.receive()
    with (
        running(f"print('a' * {box_process.LINE + 9})", Limits()) as inside,
        pytest.raises(Stopped, match="more than 1 MiB"),
    ):
        inside.receive()


def test_nothing_stays_behind(monkeypatch):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        monkeypatch.setattr("tempfile.tempdir", folder)
        assert told("1") == 1
        assert os.listdir(folder) == []


FILTERED = [one for one in POSSIBLE if one.name != "nothing" and system_calls.program()]
CALLS = """
import ctypes, errno, json, os, subprocess, sys, threading
from ctypes import CDLL, get_errno
libc = CDLL(None, use_errno=True)

def failed(number, *args):
    ctypes.set_errno(0)
    return libc.syscall(number, *args) == -1 and errno.errorcode[get_errno()]

numbers, clone, mmap = json.loads(sys.stdin.readline())
threading.Thread(target=int).start()
print(json.dumps({
    **{name: failed(number, 0, 0, 0, 0, 0) for name, number in numbers.items()},
    "x32": failed(0x40000000 + numbers["ptrace"], 0, 0, 0, 0, 0),
    "clone3": failed(435, 0, 0),
    "a namespace by clone": failed(clone, 0x10000000 | 17, 0, 0, 0, 0),
    "memory of nobody": failed(mmap, 0, 4096, 3, 0x21, -1, 0),
    "fork and threads": subprocess.run([sys.executable, "-c", "print(1)"]).returncode,
}))
"""


@pytest.mark.parametrize("one", FILTERED, ids=lambda one: one.name)
def test_system_calls_of_attacks_are_refused_and_those_of_python_are_not(one):
    column, _, *two = system_calls._MACHINES[os.uname().machine]
    numbers = {name: both[column] for name, both in system_calls.REFUSED.items()}
    with box._in_way(one, [sys.executable, "-c", CALLS], Limits()) as inside:
        inside.send(json.dumps([numbers, *two]).encode() + b"\n")
        inside.receive()  # the 1 of the child
        found = json.loads(inside.receive())
    assert found.pop("clone3") == "ENOSYS" and found.pop("fork and threads") == 0
    assert set(found.values()) == {"EPERM"}, found


@pytest.mark.skipif(
    not Path("/usr/include/asm-generic/unistd.h").exists(), reason="no kernel headers here"
)
def test_the_numbers_of_system_calls_are_the_kernels():
    generic = Path("/usr/include/asm-generic/unistd.h").read_text()
    for name, (_, number) in system_calls.REFUSED.items():
        assert re.search(rf"^#define __NR_{name}\s+{number}$", generic, re.M), name


def test_a_kernel_without_filters_is_told(monkeypatch):
    monkeypatch.setattr(system_calls, "_known", lambda: False)
    system_calls.program.cache_clear()
    assert system_calls.program() == b""
    system_calls.program.cache_clear()
