#!/usr/bin/env bash
# Build the environment that Binder would build from binder/, in a throw-away venv, and use it:
# run the first notebook, then the browser tests in Binder's JupyterLab. Needs the Python that
# binder/runtime.txt names; PYTHON=/path/to/it says where it is.
set -euo pipefail
cd "$(dirname "$0")/.."

# What Binder's base image brings (the lock of repo2docker 2026.4.0).
base=(jupyterlab==4.4.9 ipywidgets==8.1.7)

version=$(sed 's/^python-//' binder/runtime.txt)
python=${PYTHON:-python$version}
if ! "$python" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')"; then
    echo "$python is no Python $version, which binder/runtime.txt asks for; name one: PYTHON=..." >&2
    exit 1
fi

environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
"$python" -m venv "$environment"
export PATH="$environment/bin:$PATH" PIP_DISABLE_PIP_VERSION_CHECK=1

pip install --quiet "${base[@]}"
pip install --quiet -r binder/requirements.txt
binder/postBuild
# The pins must leave the image's own packages alone, and nothing may be missing.
pip freeze | grep -Fx "$(printf '%s\n' "${base[@]}")"
pip check

jupyter nbconvert --execute --to notebook --stdout notebooks/00_start_here.ipynb >/dev/null
echo "notebooks/00_start_here.ipynb ran."

pip install --quiet '.[test]'
pytest tests/browser
