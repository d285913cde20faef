# `make run` and `make test` need nothing but Python 3.10 or newer: they make the virtual environment themselves.
PYTHON ?= python3
VENV ?= .venv
# The budget of the committed results: `make run` is the first of them.
STEPS ?= 1.5M
SEED ?= 0
# Two test processes: each is single-threaded, so this is one per core of a small machine.
WORKERS ?= 2
BIN := $(VENV)/bin

export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

# The distributions that the wheel does not contain, and the folder in which only their own tests see them.
OUTSIDE := plugins/marlzoo-qmix plugins/marlzoo-gridworld
BESIDE := $(abspath $(VENV))/outside

.PHONY: run test lint slow outside docs clean

run: $(VENV)/.installed
	$(BIN)/marlzoo run srsv --env smac:3s5z --steps $(STEPS) --seed $(SEED)

test: $(VENV)/.installed-dev lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
	$(MAKE) outside

outside: $(VENV)/.outside
	for folder in $(OUTSIDE); do \
	  PYTHONPATH=$(BESIDE) $(BIN)/python -m pytest -n $(WORKERS) $$folder || exit 1; \
	done
	PYTHONPATH=$(BESIDE) $(BIN)/python -m pytest tests/docs/test_snippets.py -k marlzoo-

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --run-slow

$(VENV)/.torch:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python scripts/install_torch.py
	touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.torch pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,docs]'
	touch $@ $(VENV)/.installed $(VENV)/.installed-docs

$(VENV)/.outside: $(VENV)/.installed-dev $(shell find $(OUTSIDE) -name '*.py' -o -name '*.toml')
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
	  --target $(BESIDE) $(addprefix ./,$(OUTSIDE))
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
