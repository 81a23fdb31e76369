# make brief   install what it needs, then write the briefs (HTML and PDF, English and Spanish) to briefs/
# make test    install what it needs, then run every check and test
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
 # the tests of a file share what they compile; files begin in the order of the collection, the longest first
PYTEST = $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --durations 12 --durations-min 20

.PHONY: help install dev brief test lint types figures posterior priorities clean

help:
	@sed -n 's/^# //p' Makefile

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "acuerdo needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

install: $(VENV)/.run
dev: $(VENV)/.dev

brief: $(VENV)/.run
	$(BIN)/acuerdo brief --out briefs
	$(BIN)/acuerdo brief --as-of 2023-09-29 --out briefs

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

 # what one test compiles, the processes after it take up
test: export JAX_COMPILATION_CACHE_DIR := $(abspath $(VENV))/.compiled
test: $(VENV)/.dev lint types
	$(PYTEST) -m "not model and not browser and not slow"
	$(PYTEST) -m "model and not slow and not browser"
	$(PYTEST) -m "slow or browser"

# for maintainers: FOLDER holds the source tables
figures: $(VENV)/.run
	$(BIN)/python tools/build_snapshot.py $(FOLDER)

posterior: $(VENV)/.run
	$(BIN)/acuerdo calibrate
	$(BIN)/acuerdo calibrate --as-of 2023-09-29 --iterations 6400
	$(BIN)/acuerdo calibrate --as-of 2024-12 --iterations 6000

# after a new posterior, or new values, limits, futures or packages: what the briefs say of priorities
priorities: $(VENV)/.run
	$(BIN)/acuerdo priorities --package
	$(BIN)/acuerdo priorities --package --as-of 2023-09-29

clean:
	rm -rf $(VENV) briefs build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
