# `make demo` sets up and runs the main job, `make test` sets up and passes the tests: nothing else is needed.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
LOGS ?=
CONFIG ?= sources.toml
# one more than there are cores, since what starts Airflow or a server waits for it; and those first, so that none is last
TESTS_AT_ONCE ?= --numprocesses $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --maxprocesses 4 --dist loadfile --no-loadscope-reorder
export PYTHONPATH := $(CURDIR)

.PHONY: demo test check lint unit up bench bench-reports lives load conformance lock clean

demo: $(VENV)/installed
	$(BIN)/python -m deploy.demo $(if $(LOGS),--logs "$(LOGS)")

up: $(VENV)/installed
	$(BIN)/python -m deploy.local up --config $(CONFIG)

test: $(VENV)/installed check
	$(BIN)/python -m pytest $(TESTS_AT_ONCE) --ignore=tests/unit

check: $(VENV)/installed lint unit

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/installed
	$(BIN)/python -m pytest -q $(TESTS_AT_ONCE) tests/unit

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks.throughput

bench-reports: $(VENV)/installed
	$(BIN)/python -m benchmarks.reports

lives: $(VENV)/installed
	FAULTS_LIVES=500 $(BIN)/python -m pytest -q -s tests/faults/test_random.py

load: $(VENV)/installed
	$(BIN)/python -m benchmarks.load

conformance: $(VENV)/installed
	$(BIN)/python -m benchmarks.conformance --files

# uv installs the whole lock in seconds and checks its hashes; compiled, every Airflow task starts sooner
$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

lock:
	$(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --extra test pyproject.toml --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) demo-data .airflow
