# Everything a fresh machine needs is Python >= 3.11 with pip. To use your own environment (say one with a GPU build of
# torch), name its interpreter: `make demo PYTHON=/path/to/env/bin/python` (the project and its [dev] extra must be
# installed there: `pip install -e '.[dev]'`).
SYSTEM_PYTHON ?= python3
VENV := .venv
PYTHON ?= $(VENV)/bin/python
ifeq ($(PYTHON),$(VENV)/bin/python)
ENVIRONMENT := $(VENV)/.complete
DOCS_ENVIRONMENT := $(VENV)/.docs
SLURM_ENVIRONMENT := $(VENV)/.slurm
endif

# What `make hostile` runs in full; `make test` and `make test-slow` run a share of it.
HOSTILE_TESTS := tests/hostile tests/cli/test_drawn_command_lines.py

export TOKENIZERS_PARALLELISM ?= true

.PHONY: demo test test-slow test-slurm chaos hostile bench gpu-check docs check lint format types install clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       environment + the main job (python run.py -m format=full,doc masking=dynamic)"
	@echo "make test       environment + tests (under 6 minutes on 2 cores)"
	@echo "make test-slow  the longer tests, which CI runs too"
	@echo "make test-slurm jobs on a virtual cluster of two nodes (needs slurmctld, slurmd, slurm-client, munge)"
	@echo "make bench      the benchmarks, each beside its peer -> results/benchmarks/ (minutes; alone on the machine)"
	@echo "make gpu-check  is the CUDA path right, and how fast -> results/benchmarks/gpu-cuda.md (five minutes, a GPU)"
	@echo "make chaos      kill a run at 20 random instants, repeat it, compare every byte"
	@echo "make hostile    damage every kind of file, draw command lines: the same tables, or a line that names it"
	@echo "make docs       the site of the documents, without a warning -> build/site (seconds)"
	@echo "make check      ruff, format, types, tests"
	@echo "make install    the environment alone"

$(VENV)/.complete: pyproject.toml constraints.txt
	$(SYSTEM_PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	touch $@

$(VENV)/.docs: $(VENV)/.complete
	$(VENV)/bin/python -m pip install --quiet --editable '.[docs]' --constraint constraints.txt
	touch $@

$(VENV)/.slurm: $(VENV)/.complete
	$(VENV)/bin/python -m pip install --quiet --editable '.[slurm,cluster]' --constraint constraints.txt
	touch $@

install: $(ENVIRONMENT)

demo: $(ENVIRONMENT)
	$(PYTHON) run.py -m format=full,doc masking=dynamic

test: $(ENVIRONMENT)
	$(PYTHON) -m pytest --numprocesses auto --dist loadfile

test-slow: $(ENVIRONMENT)
	$(PYTHON) -m pytest -m slow --numprocesses auto --dist loadfile

test-slurm: $(ENVIRONMENT) $(SLURM_ENVIRONMENT)
	$(PYTHON) -m pytest -m slurm -rs --numprocesses 2 --dist loadfile tests/slurm

bench: $(ENVIRONMENT)
	$(PYTHON) benchmarks/index.py
	$(PYTHON) benchmarks/samples.py
	$(PYTHON) benchmarks/prepare.py --megabytes 200
	$(PYTHON) benchmarks/overlap.py
	$(PYTHON) benchmarks/training.py
	$(PYTHON) benchmarks/finetuning.py

gpu-check: $(ENVIRONMENT)
	$(PYTHON) benchmarks/gpu_check.py --seconds 300

chaos: $(ENVIRONMENT)
	CHAOS_INSTANTS=$${CHAOS_INSTANTS:-20} $(PYTHON) -m pytest -m slow tests/processes/test_chaos.py

hostile: $(ENVIRONMENT)
	HOSTILE=all $(PYTHON) -m pytest -m "slow or not slow" --show-capture=no $(HOSTILE_TESTS)

docs: $(ENVIRONMENT) $(DOCS_ENVIRONMENT)
	$(PYTHON) docs/build_site.py

lint: $(ENVIRONMENT)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format: $(ENVIRONMENT)
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

types: $(ENVIRONMENT)
	$(PYTHON) -m mypy

check: lint types test

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
