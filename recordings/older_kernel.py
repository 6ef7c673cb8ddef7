"""Make the recording of Linux 6.12 again: Debian 13's kernel in QEMU, which no other machine needs.

    apt-get install qemu-system-x86
    python recordings/older_kernel.py

apt brings the kernel (linux-image-cloud-amd64 of trixie) into a folder of its own. The guest has no
disk: its initramfs holds this Python, numpy, ptlab and the program. The recording comes back over the
serial line, and goes to ptlab/trace/data/. The processor is emulated; that takes a minute or two.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy

import ptlab

HERE = Path(__file__).parent
DATA = HERE.parent / "ptlab" / "trace" / "data"
PROGRAM = HERE / "programs" / "huge_pages.py"
RECORDING = DATA / "huge-pages-6.12.trace"
SUITE = "trixie"
KERNEL = "linux-image-cloud-amd64"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
MINUTES = 30
PACE = 25  # times slower, so that the recorder of an emulated machine keeps up

INIT = """#!{python}
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None)
for kind, at in (("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")):
    os.makedirs(at, exist_ok=True)
    libc.mount(kind.encode(), at.encode(), kind.encode(), 0, None)
os.environ.update(PYTHONPATH="{path}", PATH="/usr/bin", HOME="/", OPENBLAS_NUM_THREADS="1")
os.chdir("/")
trace = [sys.executable, "-m", "ptlab", "trace", "-o", "/trace", "--"]
ended = subprocess.run([*trace, "/usr/bin/python3", "-S", "programs/{program}", "{pace}"])
with open("/trace", "rb") as file, open("/dev/ttyS1", "wb") as line:
    subprocess.run([sys.executable, "-m", "base64", "-e"], stdin=file, stdout=line)
os.sync()
libc.reboot(0x4321FEDC)  # LINUX_REBOOT_CMD_POWER_OFF
"""


def kernel(folder: Path) -> Path:
    """Debian's kernel, unpacked; apt keeps its lists and files in `folder`."""
    for name in ("state/lists/partial", "cache/archives/partial", "kernel"):
        (folder / name).mkdir(parents=True)
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Label: Debian"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout, "apt has no list of Debian's packages yet: run apt-get update"
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={KEYS}] {said.stdout.split()[0]} {SUITE} main\n")
    apart = {
        "Dir::State": folder / "state",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
    }
    options = [word for name, value in apart.items() for word in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", "-q", *options, "update"], check=True)
    said = subprocess.run(
        ["apt-cache", *options, "depends", KERNEL], check=True, capture_output=True, text=True
    )
    package = re.search(r"Depends: (linux-image-\S+)", said.stdout)
    assert package, f"{KERNEL} of {SUITE} depends on no linux-image"
    subprocess.run(["apt-get", "-q", *options, "download", package[1]], cwd=folder, check=True)
    (archive,) = folder.glob("linux-image-*.deb")
    subprocess.run(["dpkg-deb", "-x", archive, folder / "kernel"], check=True)
    (image,) = (folder / "kernel" / "boot").glob("vmlinuz-*")
    return image


def files() -> Iterator[Path]:
    """Python, its library, numpy and ptlab, with the shared libraries that they need."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(sys.base_prefix, "lib", version)
    folders = [library, Path(numpy.__file__).parent, Path(ptlab.__file__).parent]
    folders.append(folders[1].with_name("numpy.libs"))
    out = ("test", "tests", "site-packages", "dist-packages", "idlelib", "__pycache__", "ensurepip")
    needed = {Path(sys.executable).resolve()}
    for folder in folders:
        needed |= {
            path
            for path in folder.rglob("*")
            if path.is_file()
            and path.suffix != ".a"
            and not set(path.relative_to(folder).parts) & {*out}
        }
    yield from needed
    code = [path for path in needed if ".so" in path.name or os.access(path, os.X_OK)]
    linked = subprocess.run(["ldd", *code], capture_output=True, text=True).stdout
    yield from set(map(Path, re.findall(r"(/\S+) \(0x", linked))) - needed


def initramfs(out: Path) -> None:
    """An archive of all that the guest has, as cpio's format `newc`."""
    packages = {Path(numpy.__file__).parent.parent, Path(ptlab.__file__).parent.parent}
    path = ":".join(map(str, packages))
    python = Path(sys.executable).resolve()
    init = INIT.format(python=python, path=path, program=PROGRAM.name, pace=PACE)
    content: dict[str, tuple[int, bytes]] = {"init": (0o100755, init.encode())}
    content[f"programs/{PROGRAM.name}"] = 0o100644, PROGRAM.read_bytes()
    # A recording names its program, and no folder of the machine that it was made on.
    content["usr/bin/python3"] = 0o120777, str(python).encode()
    for file in files():
        mode = 0o100755 if os.access(file, os.X_OK) else 0o100644
        content[str(file)[1:]] = mode, file.read_bytes()
    folders = {str(folder) for name in content for folder in Path(name).parents} - {"."}
    every = [(name, 0o040755, b"") for name in sorted({*folders, "dev", "proc", "sys", "tmp"})]
    every += [(name, mode, data) for name, (mode, data) in content.items()]
    with out.open("wb") as archive:
        for number, (name, mode, data) in enumerate([*every, ("TRAILER!!!", 0, b"")], 1):
            fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
            head = "070701" + "".join(f"{field:08X}" for field in fields)
            for piece in (head.encode() + name.encode() + b"\0", data):
                archive.write(piece + bytes(-len(piece) % 4))


def run(image: Path, archive: Path, line: Path) -> None:
    """Start the guest and wait until it powers off. What it sends comes into `line`."""
    machine = ["qemu-system-x86_64", "-accel", "tcg", "-m", "2G", "-smp", "2"]
    boot = ["-kernel", image, "-initrd", archive, "-append", "console=ttyS0 quiet panic=-1"]
    lines = ["-serial", "stdio", "-serial", f"file:{line}"]
    command = [*machine, "-cpu", "max", *boot, "-display", "none", "-no-reboot", *lines]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True, timeout=60 * MINUTES)


def main() -> None:
    """Fetch, pack, run, keep."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = kernel(folder)
        initramfs(folder / "initramfs")
        run(image, folder / "initramfs", folder / "line")
        RECORDING.write_bytes(base64.b64decode((folder / "line").read_bytes()))
    print(f"{RECORDING.name}: {RECORDING.stat().st_size} bytes")


if __name__ == "__main__":
    main()
