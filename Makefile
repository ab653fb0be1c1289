# `make` alone lists what there is. Extra arguments: make demo ARGS="--json"
SHELL := /bin/sh
.DEFAULT_GOAL := help
ARGS ?=
VENV := .venv/bin
# Tests of one file share what is costly to start, so a file stays on one worker.
SPREAD := --numprocesses=3 --dist=loadfile --no-loadscope-reorder
# Programs here start each other by the dozen: each would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo up test coverage e2e lint format bench chaos soak mails messages lock

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo 'Arguments go in ARGS, for example: make demo ARGS="--keep"'

demo: ## Replay the outage of 21 June 2022 through the whole system, then show who was told what
	@.ci/bootstrap runtime
	@$(VENV)/notifier demo $(ARGS)

up: ## Run the whole system on this machine until Ctrl-C
	@.ci/bootstrap runtime
	@$(VENV)/notifier up $(ARGS)

test: ## Run the tests
	@.ci/bootstrap dev
	@$(VENV)/python -m pytest $(SPREAD) $(ARGS)

coverage: ## Run the tests and count lines and branches in every process they start; fails below the threshold
	@.ci/bootstrap dev
	@rm -rf .coverage && mkdir .coverage
	@$(VENV)/coverage run -m pytest $(SPREAD) $(ARGS)
	@$(VENV)/coverage combine --quiet
	@$(VENV)/coverage report

e2e: ## Drive the pages in a browser (needs Chromium and npm), and look for what shuts readers out
	@.ci/bootstrap dev
	@.ci/e2e $(ARGS)

lint: ## Check style, format, types and the floor plan
	@.ci/bootstrap dev
	@echo 'ruff check'; $(VENV)/ruff check .
	@echo 'ruff format'; $(VENV)/ruff format --check .
	@echo 'mypy'; $(VENV)/mypy
	@echo 'import-linter'; $(VENV)/lint-imports

format: ## Put the code in the one format, and mend what can be mended by itself
	@.ci/bootstrap dev
	@$(VENV)/ruff check --fix-only .
	@$(VENV)/ruff format .

bench: ## Measure recipients per second, on SQLite and PostgreSQL: make bench ARGS="--help"
	@.ci/bootstrap dev
	@$(VENV)/python -m tests.benchmarks $(ARGS)

chaos: ## Kill, pause and starve every part while messages flow, and count what was lost
	@.ci/bootstrap dev
	@$(VENV)/python -m tests.chaos $(ARGS)

mails: ## Make the pictures in docs/mails anew (needs Chromium and fonts for Latin and Arabic)
	@.ci/bootstrap dev
	@$(VENV)/python .ci/mail_sheets.py $(ARGS)

soak: ## Load the whole system for 15 minutes and see that nothing grows: make soak ARGS="--minutes 3"
	@.ci/bootstrap dev
	@$(VENV)/python -m tests.chaos.soak $(ARGS)

messages: ## Gather the strings to translate and bring every catalogue up to date
	@.ci/bootstrap dev
	@$(VENV)/pybabel --quiet extract --mapping-file=locales/babel.cfg --ignore-dirs='.*' --output-file=locales/messages.pot --project=notifier --sort-by-file --add-comments=i18n: .
	@$(VENV)/pybabel --quiet update --input-file=locales/messages.pot --output-dir=locales --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

lock: ## Solve the dependencies anew (needs uv): make lock ARGS="--upgrade"
	@.ci/lock $(ARGS)
