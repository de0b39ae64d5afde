# Everything a newcomer needs: `make demo` and `make test`. Nothing is touched outside this folder.
# ARGS goes to the program: make demo ARGS="--headless --json", make test ARGS="-k ledger".

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CODE := bot handlers tests

# A name on PATH may be a shim without a Python behind it, and a Python may lack venv: each is tried, not only found.
USABLE := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for name in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	if $$name -c '$(USABLE)' >/dev/null 2>&1; then echo $$name; break; fi; done)
NEEDS := Holdfast needs Python 3.11 to 3.14 with venv (Debian, Ubuntu: the package python3-venv)

BENCHES = $(patsubst tests/bench/%.py,tests.bench.%,$(wildcard tests/bench/*_bench.py))

.PHONY: help install demo test bench lint types contract check wheel lock clean

help: ## show this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1	\2/p' Makefile | expand -t 12

install: $(STAMP) ## install the locked versions and Holdfast itself into .venv

$(STAMP): requirements.lock pyproject.toml
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		test -n "$(PYTHON)" || { echo "$(NEEDS). None was found: make install PYTHON=/path/to/one" >&2; exit 1; }; \
		"$(PYTHON)" -c '$(USABLE)' || { echo "$(NEEDS). $(PYTHON) is not one." >&2; exit 1; }; \
		"$(PYTHON)" -m venv --clear $(VENV); }
	@echo "Installing the locked packages into $(VENV); the first time this takes a minute or two."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
		--require-hashes --only-binary :all: -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
		--no-deps --no-build-isolation --editable .
	@touch $@

demo: install ## start the sandbox and the bot; Ctrl-C stops both
	@$(BIN)/holdfast demo $(ARGS)

# One more than there are cores: the tests wait more than they work.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

test: install ## run the whole test suite
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist worksteal $(ARGS)

bench: install ## measure, and print ratios
	@set -e; for module in $(BENCHES); do echo "== $$module"; $(BIN)/python -m $$module $(ARGS); done

lint: install ## ruff: rules and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: install ## mypy, strict
	@$(BIN)/mypy --strict $(CODE) .ci

contract: install ## who may import whom
	@$(BIN)/lint-imports

check: lint types contract test ## all of the above but bench

wheel: install ## build dist/*.whl
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

# Needs uv (https://docs.astral.sh/uv). Universal: one lock for every Python and platform that is supported.
lock: ## renew requirements.lock from pyproject.toml
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --output-file requirements.lock

clean: ## remove everything that was made here, .venv too
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
