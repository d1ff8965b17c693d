# gogooku3: `make demo` and `make test` do their own set-up; nothing else is needed first.
PYTHON ?= python3
BIN := .venv/bin
EXTRAS ?= dev
STAMP := .venv/.installed
DEEP := .venv/.deep
BENCHMARKS := $(filter $(notdir $(basename $(wildcard benchmarks/*.py))),writer reader build_jp append growth alpha158 leaks faults backtest size soft_rank graph_layer epoch recovery variable_selection sweep_noise)
DATASETS_PYTHON ?= $(BIN)/python
QLIB_PYTHON ?= $(BIN)/python
OPTIONS_reader = --datasets-python $(DATASETS_PYTHON) --qlib-python $(QLIB_PYTHON)
OPTIONS_alpha158 = $(if $(filter-out $(BIN)/python,$(QLIB_PYTHON)),--qlib-python $(QLIB_PYTHON))

.PHONY: help demo test test-slow bench check constraints clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gogooku3 needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	UV_FIND_LINKS="$$PIP_FIND_LINKS" $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $(STAMP)

$(DEEP): $(STAMP)
	UV_FIND_LINKS="$$PIP_FIND_LINKS" $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[$(EXTRAS),sweep,postgres,tensorboard,jquants]'
	@touch $(DEEP)

demo: $(STAMP) ## the main job on the built-in simulated market, in under 3 minutes
	$(BIN)/gogooku3 demo

test: $(DEEP) ## the whole suite
	$(BIN)/python -m pytest

test-slow: $(DEEP) ## the larger proofs
	$(BIN)/python -m pytest -m slow

bench: $(BENCHMARKS:%=bench-%) ## every benchmark and its page; wants quiet hours, see benchmarks/README.md

bench-%: $(DEEP)
	$(BIN)/python benchmarks/$*.py $(OPTIONS_$*) $(BENCH_OPTIONS)

check: $(DEEP) ## lint, strict types, import rules, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

constraints: $(STAMP) ## pin every dependency anew, for every platform, without a URL
	UV_FIND_LINKS= $(BIN)/uv pip compile --universal --quiet --all-extras --no-header --no-annotate \
		--no-emit-find-links --no-emit-index-url --python-version 3.11 pyproject.toml -o constraints.txt

clean: ## remove the environment and all caches (runs/ is kept)
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
