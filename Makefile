# make lab    open the first notebook in JupyterLab      LAB_ARGS="--no-browser --port 9999" is handed on
# make test   lint, types, stored notebooks, tests       PYTEST_ARGS="-k scenario" is handed on
# make front-end  bundle ptlab/widgets/src for the browser, with esbuild (needs node)
# make glossary  write docs/glossary.md from ptlab/draw/glossary.toml
# make exercises  write the exercises without solutions, as students get them
# make practice  write the practice problems with their answers, which a wheel has in place of solutions
# make bench  print the numbers of benchmarks/
# make mutants  leave out one guard after the other: does a race notice? (some minutes)
# make pairs    all pairs of operations under every design, in all schedules (about an hour)
# make triples  three operations at once, in random order, for MINUTES=30 minutes
# make fuzz-mutants  break one rule of the simulator after the other: would `ptlab fuzz` notice? (some minutes)
# make site   write the course, docs, races and reference as pages without a server: build/site/index.html
# make site-test  look at every page of it in Chromium, without a network (some minutes)
# make lite   write a JupyterLite with the course, whose Python runs in the browser: build/lite
# make lite-test  open it in Chromium, and run the notebooks in a Python without processes and threads
# make publish  REPO=owner/name: write the repository's address into README, docs and pyproject.toml
# make binder-test  build Binder's environment from binder/ and run the first notebook in it
# make container-test  build the grader's container and grade in it (docker or podman)
# make clean  remove .venv and every cache
#
# Everything runs in .venv. PYTHON=python3.13 chooses which Python it is made from.

VENV := .venv
BIN := $(VENV)/bin
LAB_ARGS ?=
PYTEST_ARGS ?=
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
OUT ?= ptlab/widgets/static
DIGEST := "import hashlib, pathlib; print(hashlib.sha256(b''.join(path.read_bytes() for path in \
	sorted(pathlib.Path('ptlab/widgets/src').iterdir()))).hexdigest()[:16])"
# JupyterLab's question about news would cover the first picture.
NEWS := "@jupyterlab/apputils-extension:announcements"

# The first of these that is new enough.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done)

.DEFAULT_GOAL := help
.PHONY: help lab test exercises practice bench mutants pairs triples fuzz-mutants front-end glossary site site-test lite lite-test publish binder-test container-test clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed '/^Everything/,$$d'

lab: $(VENV)/installed
	$(BIN)/ptlab lab $(LAB_ARGS)

test: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	find notebooks exercises -name '*.ipynb' -not -path '*/.*' \
		-exec $(BIN)/nbstripout --verify --keep-id {} +
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

exercises: $(VENV)/installed-test
	$(BIN)/python exercises/make_for_students.py

practice: $(VENV)/installed
	$(BIN)/python -m ptlab.classroom.solutions.practice

bench: $(VENV)/installed-test
	$(BIN)/python -m benchmarks

mutants: $(VENV)/installed-test
	$(BIN)/python -m benchmarks.mutants

pairs: $(VENV)/installed-test
	$(BIN)/python -m benchmarks.pairs

MINUTES ?= 30
triples: $(VENV)/installed-test
	$(BIN)/python -m benchmarks.pairs 3 $(MINUTES)

fuzz-mutants: $(VENV)/installed-test
	$(BIN)/python -m benchmarks.fuzz_mutants

# The banner lets a test see, without node, that the bundles are those of the sources.
front-end: $(BIN)/python
	npx --yes esbuild@0.28.2 ptlab/widgets/src/stepper.mjs ptlab/widgets/src/scheduler.mjs ptlab/widgets/src/guess.mjs ptlab/widgets/src/designs.mjs \
		--bundle --format=esm --charset=utf8 --minify-whitespace --minify-syntax --log-level=warning --outdir=$(OUT) \
		--banner:js="// Made by \`make front-end\` from ptlab/widgets/src, $$($(BIN)/python -c $(DIGEST))"

glossary: $(VENV)/installed
	$(BIN)/python -c "from ptlab.draw.glossary import as_page; print(as_page(), end='')" > docs/glossary.md

site: $(VENV)/installed-site
	$(BIN)/python -m docs.site.build
	@echo "Open build/site/index.html"

site-test: $(VENV)/installed-site $(VENV)/installed-test
	$(BIN)/python -m docs.site.check

lite: $(VENV)/installed-lite
	$(BIN)/python -m docs.site.lite
	@echo "Serve it: $(BIN)/python -m http.server --bind 127.0.0.1 --directory build/lite"

lite-test: $(VENV)/installed-lite $(VENV)/installed-test
	$(BIN)/python tests/like_a_browser.py notebooks/*.ipynb
	$(BIN)/python -m docs.site.check_lite

publish: $(BIN)/python
	$(BIN)/python docs/publish.py "$(REPO)"

binder-test:
	tests/binder.sh

container-test:
	tests/container.sh

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "ptlab needs Python 3.11 or newer, and none was found on PATH."; \
		echo "Install one (https://www.python.org/downloads/) or name it: make lab PYTHON=/path/to/python3"; \
		exit 1; fi >&2
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) could not make a virtual environment in $(VENV)."; \
		echo "On Debian and Ubuntu it needs one more package: sudo apt install python3-venv"; \
		exit 1; } >&2

# The stamps are newer than pyproject.toml exactly when nothing has to be installed again.
$(VENV)/installed: pyproject.toml | $(BIN)/python
	@echo "Installing ptlab into $(VENV) (the first time this takes a minute or two) ..."
	$(PIP_INSTALL) --editable '.[lab]'
	@said=$$($(BIN)/jupyter labextension disable --level=sys_prefix $(NEWS) 2>&1) \
		|| { echo "$$said" >&2; exit 1; }
	@touch $@

$(VENV)/installed-test: pyproject.toml $(VENV)/installed
	$(PIP_INSTALL) --editable '.[test]'
	@touch $@

$(VENV)/installed-site: pyproject.toml $(VENV)/installed
	$(PIP_INSTALL) --editable '.[site]'
	@touch $@

$(VENV)/installed-lite: pyproject.toml $(VENV)/installed
	$(PIP_INSTALL) --editable '.[lite]'
	@touch $@
