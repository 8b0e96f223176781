# Every target says what it does after "##"; `make help` prints them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
EXTRA_ARGS ?=

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Citewell needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Installed once and again whenever a lock file changes; no network is used when nothing changed.
$(VENV)/.base: requirements/base.txt requirements/build.txt pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --no-compile --require-hashes -r requirements/base.txt -r requirements/build.txt
	$(PIP) install --quiet --no-compile --no-build-isolation --no-deps --no-index --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	$(PIP) install --quiet --no-compile --require-hashes -r requirements/dev.txt
	@touch $@

.PHONY: setup
setup: $(VENV)/.base ## Install what running needs into .venv

.PHONY: setup-dev
setup-dev: $(VENV)/.dev ## Install what running, testing and linting need

.PHONY: lock
lock: ## Resolve requirements/*.txt anew (releases younger than 7 days are left out; needs uv)
	uv pip compile -q pyproject.toml --universal --generate-hashes --python-version 3.11 --no-header -o requirements/base.txt
	uv pip compile -q --group build --universal --generate-hashes --python-version 3.11 --no-header -c requirements/base.txt -o requirements/build.txt
	uv pip compile -q pyproject.toml --group dev --universal --generate-hashes --python-version 3.11 --no-header -c requirements/base.txt -o requirements/dev.txt
