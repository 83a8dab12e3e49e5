# Every chore has one target, the same here and in CI. Each sets up what it needs.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint bench docs venv packages lock format clean

# A virtual environment with the locked, hashed dependencies; made again when the lock or pyproject changes.
venv: .venv/.done
.venv/.done: requirements/dev.txt pyproject.toml scripts/venv
	bash scripts/venv "$(PYTHON)"
	touch $@

# Debian packages that tests use as real servers; without root it says what will be skipped.
packages:
	bash scripts/packages

demo: venv
	bash scripts/demo

test: venv packages
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

lint: venv
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The peer that verify is measured beside has an environment of its own.
bench: venv .venv-bench/.done
	$(BIN)/python -m bench $(BENCH_ARGS)
.venv-bench/.done: requirements/bench.txt .venv/.done
	[ -x .venv-bench/bin/python ] || "$(PYTHON)" -m venv .venv-bench
	.venv-bench/bin/python -m pip install -q --require-hashes -r requirements/bench.txt
	touch $@

docs: venv
	bash scripts/docs

format: venv
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

# Pin everything with hashes and without a registry's address.
lock: venv
	bash scripts/lock

clean:
	rm -rf .venv .venv-bench build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
