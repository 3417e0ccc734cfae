# The project's commands. `make help` lists them.

PYTHON ?= python3.11
# Options of pip for torch alone, whose build differs by machine, e.g.
# make study TORCH_OPTIONS="--index-url https://download.pytorch.org/whl/cpu"
TORCH_OPTIONS ?=
# Further options of snakemake (make study) or pytest (make test), e.g. make test ARGS="-k names"
ARGS ?=
# The study that make mlflow shows, and the port of 127.0.0.1 that it shows it on.
STUDY ?= results/demo/study.json
PORT ?= 5000

# With these of them, the default study is not what was run.
OTHER := -n% --dry% --config%

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TRACKERS := $(VENV)/.trackers
PIP := $(BIN)/python -m pip install --quiet

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

.PHONY: study
study: $(STAMP) ## run the default study (config/config.yaml) and print what it found
	$(BIN)/snakemake --cores all $(ARGS)
	@$(if $(filter $(OTHER),$(ARGS)),true,$(BIN)/python -m scripts.headline --study results/demo/study.json)

.PHONY: status
status: $(STAMP) ## say how far the study is (another one: make status ARGS="--study mrpc-f1 --watch")
	@$(BIN)/python -m scripts.status $(ARGS)

.PHONY: predict
predict: $(STAMP) ## score a file: make predict ARGS="--model results/demo/model --input x.csv --output y.csv"
	@$(BIN)/python -m scripts.predict $(ARGS)

.PHONY: verify
verify: $(STAMP) ## train the final configuration and two random runs of the study again, and compare
	$(BIN)/snakemake verify --cores all $(ARGS)

.PHONY: mlflow
mlflow: $(TRACKERS) ## show a finished study in MLflow's UI, on this machine alone (STUDY=... PORT=5000)
	$(BIN)/python -m scripts.track --study $(STUDY) --to mlflow --ui $(PORT)

.PHONY: test
test: lint ## run all checks and tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder $(ARGS)

.PHONY: lint
lint: $(STAMP) ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy scripts tools benchmarks
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

.PHONY: format
format: $(STAMP) ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

.PHONY: coverage
coverage: $(STAMP) ## run the tests and print what they do not reach
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
	@$(BIN)/coverage json --quiet -o - | $(BIN)/python -m tools.branch_coverage 90

.PHONY: bench
bench: $(STAMP) benchmarks/.packages/.installed ## compare speed with the usual recipes, write docs/performance.md
	$(BIN)/python -m benchmarks.compare $(ARGS)

# Each is a command of its own too, with options: python -m tests.torture.kills --help
CAMPAIGNS := kills damage disk together configs mutants long_run
.PHONY: torture
torture: $(STAMP) ## kill, damage and starve studies for hours, write docs/reliability.md
	for campaign in $(CAMPAIGNS); do $(BIN)/python -m tests.torture.$$campaign; done

# What the other recipes need lies in a folder of its own: Snaketune never sees it.
benchmarks/.packages/.installed: benchmarks/requirements.txt $(STAMP)
	rm -rf $(@D)
	$(PIP) --no-deps --require-hashes --target $(@D) --requirement $<
	@touch $@

.PHONY: environment
environment: $(STAMP) ## make the environment, .venv

# The lock holds everything but torch, with hashes. pip then picks the build of torch for this
# machine, and the CUDA libraries which that build needs, if any.
$(STAMP): requirements.in requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "Python 3.11 is needed; name it with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making the environment in $(VENV); this takes a few minutes, once."
	$(PYTHON) -m venv $(VENV)
	$(PIP) --no-deps --require-hashes --requirement requirements.lock
	$(PIP) $(TORCH_OPTIONS) "$$(grep -oE '^torch==[0-9.]+' requirements.in)"
	@touch $@

.PHONY: trackers
trackers: $(TRACKERS) ## install MLflow, W&B and TensorBoard, which are optional, into .venv

$(TRACKERS): requirements-trackers.lock $(STAMP)
	$(PIP) --no-deps --require-hashes --requirement requirements-trackers.lock
	@touch $@

.PHONY: lock
lock: ## solve requirements.in anew, keeping versions (to their newest: make lock ARGS=--upgrade)
	@test -x $(BIN)/uv || $(MAKE) environment
	$(BIN)/uv pip compile --quiet $(ARGS) --output-file requirements.lock requirements.in
# MLflow 3.17 was released before pyarrow 26, and so does not name it; 3.18 does.
	$(BIN)/uv pip compile --quiet $(ARGS) --constraint requirements.lock \
	  --overrides <(echo 'pyarrow<27') \
	  --output-file requirements-trackers.lock requirements-trackers.in
	$(BIN)/python -m tools.environment

.PHONY: clean
clean: ## remove caches; results/ and .venv stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov
	find scripts tests tools workflow -name __pycache__ -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## remove the environment too; results/ stays
	rm -rf $(VENV)
