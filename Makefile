# Everything there is to do here; `make` alone lists it.

.DEFAULT_GOAL := help
.PHONY: help setup run test faults check locks rules bench lock pages clean

PYTHON ?= python3
UV ?= $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never

# uv for those who have none, hatchling to build this package, editables because it is installed in place.
BUILD_NEEDS := 'uv==0.13.9\nhatchling\neditables\n'
COMPILE := pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

# The development environment holds all of the runtime's: where it is there, it serves for both.
ENVIRONMENT = $(if $(wildcard .venv/.dev),.venv/.dev,.venv/.runtime)
BOOTSTRAP := $(filter .uv/bin/uv,$(UV))

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(ENVIRONMENT) ## install what running needs; leaves .venv/bin/hoiam

run: $(ENVIRONMENT) ## start everything here, walk a report to its answer, keep serving (Ctrl-C stops)
	@$(BIN)/hoiam up --demo

test: .venv/.dev ## install what testing needs, and run all tests
	@$(BIN)/python -c 'from services.cli.private_rabbitmq import ensure_installed; ensure_installed()'
	@$(BIN)/python -m pytest

faults: .venv/.dev ## break everything while people use it, for half an hour, and count what was lost (FAULTS="--help")
	@$(BIN)/python -m tests.faults $(FAULTS)

check: .venv/.dev ## format, lint, types, architecture, deployment files, lock files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports
	$(BIN)/docker-compose -f docker-compose.yml -f deploy/compose.production.yml config -q
	$(BIN)/hadolint deploy/Dockerfile
	@$(MAKE) -s rules locks

bench: $(ENVIRONMENT) .peers/.ready ## measure everything beside yardsticks in the same run, some 20 minutes; writes docs/proof.md
	@$(BIN)/hoiam bench all --json .bench
	@$(BIN)/hoiam bench proof .bench

LOCKS := .
lock: | $(BOOTSTRAP) ## write the lock files anew when dependencies changed (UPGRADE=--upgrade: take the newest)
	@$(UV) $(COMPILE) $(UPGRADE) -o $(LOCKS)/requirements.lock pyproject.toml >/dev/null
	@$(UV) $(COMPILE) $(UPGRADE) --extra dev -o $(LOCKS)/requirements-dev.lock pyproject.toml >/dev/null
	@$(UV) $(COMPILE) $(UPGRADE) --group bench -o $(LOCKS)/requirements-bench.lock >/dev/null
	@printf $(BUILD_NEEDS) | $(UV) $(COMPILE) $(UPGRADE) -o $(LOCKS)/requirements-build.lock - >/dev/null

pages: $(ENVIRONMENT) ## make the pages that come from the code anew
	@$(BIN)/hoiam pages

clean: ## remove the environment and the caches; the data in .hoiam/ stays
	rm -rf .venv .uv .peers .bench .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find services shared tests examples -name __pycache__ -prune -exec rm -rf {} +

# --- parts of `check` ----------------------------------------------------------------------------------------------

locks: | $(BOOTSTRAP)
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && cp requirements*.lock "$$fresh"; \
	if $(MAKE) -s lock LOCKS="$$fresh" 2>"$$fresh/why"; then \
		for lock in requirements*.lock; do \
			cmp -s "$$lock" "$$fresh/$$lock" || { echo "$$lock is not what pyproject.toml asks for: run make lock" >&2; exit 1; }; \
		done; echo "Lock files are fresh."; \
	elif grep -qi 'failed to fetch\|error sending request\|network was disabled' "$$fresh/why"; then \
		echo "NOTICE: no package index reached, so the lock files were not compared."; \
	else cat "$$fresh/why" >&2; exit 1; fi

rules:
	@if command -v promtool >/dev/null; then cd deploy/prometheus && promtool check config prometheus.yml && promtool test rules rules_test.yml; \
	else echo "NOTICE: no promtool here, so the alert rules were not run (a test checks their form)."; fi

# --- the environment -----------------------------------------------------------------------------------------------

.venv/.runtime: LOCK := requirements.lock
.venv/.dev: LOCK := requirements-dev.lock
.venv/.runtime: requirements.lock
.venv/.dev: requirements-dev.lock
.venv/.runtime .venv/.dev: requirements-build.lock pyproject.toml | $(BOOTSTRAP) .venv/bin/python
	@rm -f .venv/.runtime .venv/.dev
	@echo "Installing $$(grep -c '^[a-z]' $(LOCK)) packages into .venv …"
	@$(UV) pip sync -q --python $(BIN)/python --require-hashes $(LOCK)
	@$(UV) pip install -q --python $(BIN)/python --no-deps --build-constraints requirements-build.lock -e .
	@touch $@

# What others would have used, for the bench to stand beside.
.peers/.ready: requirements-bench.lock | $(BOOTSTRAP)
	@$(require-python)
	@$(UV) venv -q --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .peers
	@$(UV) pip sync -q --python .peers/bin/python --require-hashes requirements-bench.lock
	@touch $@

.venv/bin/python: | $(BOOTSTRAP)
	@$(require-python)
	@$(UV) venv -q --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv

.uv/bin/uv:
	@$(require-python)
	@echo 'Setting up uv in .uv …'
	@$(PYTHON) -m venv .uv || { echo 'On Debian and Ubuntu: apt-get install python3-venv' >&2; rm -rf .uv; exit 1; }
	@.uv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-build.lock

define require-python
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo 'Hoi Am needs Python 3.11 or newer, and $(PYTHON) is not that. Name another: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 1; }
endef
