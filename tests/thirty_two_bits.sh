#!/usr/bin/env bash
# Whether the engine's numbers are 64 bits wide where numpy's own are not, as in a browser: play the recorded
# programs of a kernel on a Python of 32 bits. Needs Debian's debootstrap, root and a network.
#     sudo tests/thirty_two_bits.sh FOLDER     FOLDER is made with Debian for i386, once, and kept
set -euo pipefail
cd "$(dirname "$0")/.."
root=${1:?name a folder for the system of 32 bits}

if [ ! -e "$root/made" ]; then
    debootstrap --arch=i386 --variant=minbase --include=python3,python3-numpy trixie "$root"
    touch "$root/made"
fi
rm -rf "$root/ptlab" && mkdir "$root/ptlab"
cp -r ptlab "$root/ptlab/"
.venv/bin/python -m pip install --quiet --target "$root/ptlab" --no-compile \
    graphviz markdown-it-py prometheus-client rich

run() { chroot "$root" env PYTHONPATH=/ptlab PYTHONDONTWRITEBYTECODE=1 "$@"; }
run python3 -c 'import numpy as np; assert np.arange(1).dtype.itemsize == 4, "this Python has 64 bits"'
run python3 -m ptlab verify
run python3 -m ptlab run cover-letter
