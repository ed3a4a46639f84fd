# GridTokenX: every command people and CI use. `make` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
STAMP := $(VENV)/.runtime
STAMP_DEV := $(VENV)/.development

.DEFAULT_GOAL := help
.PHONY: help setup demo up test check format lint types arrows requirements programs bench mutants faults fuzz soak clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "make: Python 3.11 or newer is needed as '$(PYTHON)'; name another with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed; name one with PYTHON=..." >&2; exit 1; }
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked packages (once, under a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@pwd > $$($(RUN) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/gridtokenx.pth
	@printf '#!%s/%s\nfrom deploy.cli import main\n\nmain()\n' "$$(pwd)" "$(RUN)" > $(BIN)/gridtokenx && chmod +x $(BIN)/gridtokenx
	@touch $@

$(STAMP_DEV): requirements-dev.lock $(STAMP)
	@echo "installing the locked development packages (once)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

setup: $(STAMP_DEV) ## install the locked packages into .venv (Python 3.11+ and make are enough)

demo: $(STAMP) ## run a simulated day, from signed reading to tokens, on embedded parts
	@$(BIN)/gridtokenx demo $(ARGS)

up: $(STAMP) ## run the platform on embedded parts until interrupted
	@$(BIN)/gridtokenx up $(ARGS)

test: $(STAMP_DEV) ## run all tests this machine can, then name the groups it could not run
	@$(RUN) -m pytest -q -n 2 --dist loadfile --junitxml=build/test-results.xml $(ARGS)
	@bash programs/check.sh --tests

check: format lint types arrows test requirements ## format, lint, types, arrows, tests, requirements

format: $(STAMP_DEV)
	@$(BIN)/ruff format --check --quiet . || { echo "run '$(BIN)/ruff format .'" >&2; exit 1; }

lint: $(STAMP_DEV)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/deptry .

types: $(STAMP_DEV)
	@$(BIN)/basedpyright

arrows: $(STAMP_DEV)
	@$(BIN)/lint-imports

requirements: $(STAMP_DEV)
	@$(RUN) tests/check_requirements.py

programs: ## compile the on-chain programs and compare them with the committed artifacts
	@bash programs/build.sh --check

bench: $(STAMP_DEV) ## measure, and print the figures of docs/benchmarks.md
	@$(RUN) -m benchmarks $(ARGS)

mutants: $(STAMP_DEV) ## remove each guard in turn: its test must fail
	@$(RUN) tests/mutants/run.py $(ARGS)

faults: $(STAMP_DEV) ## kill, pause, cut off and fill up every part, a hundred seeded rounds; each must end in truth = ledger = supply
	@$(RUN) -m tests.faults $(ARGS)

fuzz: $(STAMP_DEV) ## a million hostile inputs at every door: no panic, no 500, no growth of memory
	@$(RUN) -m tests.fuzz $(ARGS)

soak: $(STAMP_DEV) ## an hour at half of peak with flat memory
	@$(RUN) -m benchmarks soak $(ARGS)

clean: ## remove what the commands made (not your data in .gridtokenx)
	@rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache demo-report.json build target programs/target tests/node/node_modules
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
