# make run    everything, on this machine            make test   all that CI does
# make bench  measurements → tests/bench/results.json  make assets browser files (needs Node)
# make test-long  a day of chance on each switch: calls, faults, and whether the books are right
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done)
VENV := .venv
BIN := $(VENV)/bin
CHECKED := cti dialplan cards webui migrations tests

.PHONY: run test test-long check lint unit conformance e2e bench assets clean system-packages

run: $(VENV)/.installed
	@$(if $(and $(BOARD),$(SWITCH)),$(BIN)/python -c 'import sippy' 2>/dev/null || $(BIN)/python -m pip install -q --disable-pip-version-check -e .[boards])
	@$(if $(BOARD),CALLYARD_BOARD=$(BOARD) CALLYARD_SWITCH=$(or $(SWITCH),board) ,$(if $(SWITCH),CALLYARD_SWITCH=$(SWITCH) ))exec $(BIN)/cti serve

test: system-packages $(VENV)/.tested lint unit conformance e2e

check: $(VENV)/.installed
	@$(BIN)/cti check-config

lint: $(VENV)/.tested
	$(BIN)/python -m compileall -q $(filter-out migrations,$(CHECKED)) migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict cti dialplan cards
	$(BIN)/lint-imports

unit conformance e2e: WORKERS := 3  # on two processors: much of it is waiting
unit conformance e2e: $(VENV)/.tested
	$(BIN)/pytest -q -n $(WORKERS) tests/$@

# A day of chance on each switch, some ten minutes each; see tests/chaos/test_floor.py for its settings.
test-long: system-packages $(VENV)/.tested
	$(BIN)/pytest -q -s tests/chaos

bench: $(VENV)/.tested
	$(BIN)/python -m tests.bench

assets:
	@command -v npm >/dev/null || { echo "make assets needs Node: apt-get install npm"; exit 1; }
	cd webui/assets && npm ci --no-audit --no-fund && npm run build

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@echo "kept: var (data, recordings, secrets, the private Asterisk); remove it yourself if you mean to"

system-packages:
	@.ci/packages

$(VENV)/bin/python:
	@.ci/venv "$(PYTHON)" $(VENV)

$(VENV)/.installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "installing Python packages into $(VENV)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check wheel
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.tested: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "installing Python packages for the tests into $(VENV)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check wheel
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .[test]
	@touch $@ $(VENV)/.installed
