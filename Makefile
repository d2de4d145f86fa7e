# Fil d'actu. `make` alone lists the targets.
PYTHON ?= python3
ARGS ?=
# Least branch coverage of the tests, in percent.
COVERAGE ?= 94
# Scenarios that `make chaos` plays at a time: most of them wait most of their time.
SCENARIOS ?= 3
MINUTES ?= 30

BIN := .venv/bin
LOCKS := deploy/requirements
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --quiet install
COMPILE := build/lock/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11

.DEFAULT_GOAL := help
.PHONY: help demo install test test-unit test-stack chaos soak check lint types imports bench bench-fetcher bench-simulation bench-text train-reviewer lock schema up down clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Run -------------------------------------------------------------------------------------------------------------

# The tools' lock holds the same versions and more: where it is installed, the demo needs nothing else.
demo: $(or $(wildcard .venv/.dev),.venv/.demo) ## see it work on sample feeds, offline (ARGS="--json")
	@$(BIN)/fildactu demo $(ARGS)

up: ## start the stack in the background: RabbitMQ, PostgreSQL, fetcher, processor
	docker compose up --build --detach

down: ## stop the stack; its data stays
	docker compose --profile demo down

# --- Check -----------------------------------------------------------------------------------------------------------

install: .venv/.dev ## install everything for development into .venv

test: .venv/.dev ## run the tests; installs RabbitMQ and PostgreSQL for them as root on Debian
	@sh tests/debian-servers.sh
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --ignore=tests/stack --ignore=tests/model -m "not long" $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --fail-under=$(COVERAGE)
	@# Thousands of schedules: measuring what they cover would take longer than running them.
	$(BIN)/python -m pytest tests/model

test-unit: .venv/.dev ## run the tests that need no server
	$(BIN)/python -m pytest tests/unit $(ARGS)

test-stack: .venv/.dev ## run the Docker stack against the sample newsroom
	$(BIN)/python -m pytest tests/stack -m stack $(ARGS)

chaos: .venv/.dev ## break everything at every step, and count what comes out (under 25 minutes)
	@sh tests/debian-servers.sh
	$(BIN)/python -m pytest tests/chaos -n $(SCENARIOS) --dist worksteal -v $(ARGS)

soak: .venv/.dev ## steady load and random faults for MINUTES, then the same count
	@sh tests/debian-servers.sh
	PYTHONPATH=tests $(BIN)/python -m chaos.soak --minutes $(MINUTES) $(ARGS)

check: lint types imports ## lint, types and import rules

lint: .venv/.dev ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev ## mypy, strict
	$(BIN)/mypy

imports: .venv/.dev ## who may import whom
	$(BIN)/lint-imports

bench: .venv/.dev ## articles per second, beside a bare extraction loop
	PYTHONPATH=tests $(BIN)/python -m bench.pipeline $(ARGS)

bench-fetcher: .venv/.dev ## polls and pages per second beside a bare loop, memory, lag (ARGS=--quick)
	PYTHONPATH=tests $(BIN)/python -m bench.fetcher $(ARGS)

bench-simulation: .venv/.dev ## a day of 100,000 feeds: how soon entries are seen, beside fixed polling
	PYTHONPATH=tests $(BIN)/python -m bench.simulation $(ARGS)

bench-text: .venv/.dev build/peers/.done ## text, metadata and CPU beside the open extractors (ARGS=--quick)
	$(BIN)/python -m bench.text $(ARGS)

# --- Keep up ---------------------------------------------------------------------------------------------------------

lock: build/lock/bin/uv ## renew the locked dependencies
	$(COMPILE) --upgrade --extra console --group build --group test --group lint pyproject.toml -o $(LOCKS)/dev.txt
	$(COMPILE) --extra console --group build -c $(LOCKS)/dev.txt pyproject.toml -o $(LOCKS)/console.txt
	$(COMPILE) --extra fetcher -c $(LOCKS)/dev.txt pyproject.toml -o $(LOCKS)/fetcher.txt
	$(COMPILE) --extra processor -c $(LOCKS)/dev.txt pyproject.toml -o $(LOCKS)/processor.txt
	$(COMPILE) --group train -c $(LOCKS)/dev.txt pyproject.toml -o $(LOCKS)/train.txt
	$(COMPILE) --upgrade $(LOCKS)/peers.in -o $(LOCKS)/peers.txt

train-reviewer: build/train/.done ## renew the weights of the block reviewer (ARGS="--pages DIR")
	OMP_NUM_THREADS=1 build/train/bin/python -m bench.reviewer $(ARGS)

schema: .venv/.dev ## renew docs/schema from the event models
	$(BIN)/python -m shared.schema docs/schema

clean: ## remove what make made, .venv too
	rm -rf .venv build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# --- Stamps: installed once, and again when a lock changes -----------------------------------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed, and $(PYTHON) is not: try make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip; ensurepip.version()' 2>/dev/null || \
	  { echo "$(PYTHON) lacks venv or ensurepip: on Debian and Ubuntu, apt-get install python3-venv python3-pip" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.demo: $(LOCKS)/console.txt pyproject.toml | $(BIN)/python
	@echo "Installing into .venv; this takes a minute, once." >&2
	@$(INSTALL) --require-hashes -r $<
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: $(LOCKS)/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing into .venv; this takes a minute or two, once." >&2
	@$(INSTALL) --require-hashes -r $<
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

build/peers/.done: $(LOCKS)/peers.txt | $(BIN)/python
	@echo "Installing the open extractors into build/peers, once." >&2
	@$(PYTHON) -m venv --clear build/peers
	@# The lock names all that is needed; pip's resolver trips over two requirements of one package's extra.
	@build/peers/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r $<
	@touch $@

build/train/.done: $(LOCKS)/processor.txt $(LOCKS)/train.txt | $(BIN)/python
	@echo "Installing what training needs into build/train, once." >&2
	@$(PYTHON) -m venv --clear build/train
	@build/train/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $(LOCKS)/processor.txt -r $(LOCKS)/train.txt
	@touch $@

build/lock/bin/uv:
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/pip --disable-pip-version-check --quiet install uv
