# Everything a developer or a newcomer starts. Needs make, Python 3.11 or newer and a package index; nothing else.
# `make e2e` also uses real servers and a browser; run as root on Debian, it installs those that are missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

SOURCES := checks reports prober tests requirements
# Debian packages that e2e tests use, each with the command that shows it is there.
E2E_COMPONENTS := prometheus:promtool prometheus-blackbox-exporter:prometheus-blackbox-exporter \
	chromium:chromium knot:knotd nginx-light:nginx systemd:systemd-analyze faketime:faketime iproute2:ip nftables:nft \
	openssl:openssl poppler-utils:pdftotext

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Debian keeps servers such as nginx and knotd outside an ordinary user's path.
export PATH := $(PATH):/usr/sbin:/sbin

.DEFAULT_GOAL := help
.PHONY: help setup setup-e2e components demo run test lint e2e bench format pins clean

help: ## show this list
	@echo "Prober: make TARGET [ARGS='...']"
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.dev ## make .venv with the pinned dependencies (the other targets do it by themselves)

demo: setup ## run the daemon on stand-in services that fail on a script; needs no network
	$(BIN)/python -m prober demo $(ARGS)

run: setup ## run the daemon on probes.yaml
	$(BIN)/python -m prober run --config probes.yaml $(ARGS)

test: setup ## run the tests that need nothing but Python
	$(BIN)/python -m pytest -m "not e2e" --ignore=tests/e2e $(ARGS)

lint: setup ## check style, format, types and the import arrows
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

e2e: setup-e2e components ## run the tests that use real servers, a browser and promtool
	$(BIN)/python -m pytest -m e2e tests/e2e $(ARGS)

bench: setup ## run the benchmarks, each beside its reference
	@for file in tests/bench/bench_*.py; do \
		echo "== $$file"; PYTHONPATH=.:tests $(BIN)/python "$$file" $(ARGS) || exit 1; \
	done

format: setup ## rewrite the code in the project's format
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

pins: ## renew requirements/*.txt from pyproject.toml
	$(PYTHON) requirements/pin.py

clean: ## remove .venv and what builds and tests leave
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are written last: a setup that was interrupted starts again from an empty environment.
$(VENV)/.dev: requirements/run.txt requirements/dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { \
		echo "error: no '$(PYTHON)' found (hint: install Python 3.11 or newer, or say make PYTHON=/path/to/python3)" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "error: '$(PYTHON)' is $$($(PYTHON) -V 2>&1), prober needs 3.11 or newer (hint: make PYTHON=python3.12)" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "error: '$(PYTHON)' cannot make virtual environments (hint: on Debian, apt-get install python3-venv)" >&2; exit 2; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

setup-e2e: $(VENV)/.e2e

$(VENV)/.e2e: $(VENV)/.dev requirements/e2e.txt
	@$(BIN)/python -m pip install --quiet -r requirements/e2e.txt
	@touch $@

# Without root nothing is installed: the tests that miss a component skip and name it.
components:
	@missing=; for pair in $(E2E_COMPONENTS); do \
		command -v "$${pair#*:}" >/dev/null || missing="$$missing $${pair%%:*}"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing$$missing"; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else \
		echo "missing:$$missing (hint: as root on Debian, make e2e installs them)"; \
	fi
