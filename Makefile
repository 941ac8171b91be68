# Needs Python >= 3.11 and make, nothing else. Services are PostgreSQL and Valkey from wheels, or those named by
# DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL.
.PHONY: help run test check bench setup down reset environment locks
.DEFAULT_GOAL := help
SHELL := /bin/sh

PY := .venv/bin/python
FIND_PYTHON := for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && exec $$p revops/local/bootstrap.py; \
	done; echo 'RevOps needs Python 3.11 or later.' >&2; exit 1

help:
	@echo 'make run    the product with a demo workspace at http://127.0.0.1:8000 (PORT=… for another port)'
	@echo 'make test   all tests'
	@echo 'make check  lint, types, import contracts, templates, migrations'
	@echo 'make bench  the benchmark table'
	@echo 'make setup  environment, services and schema, for working with .venv/bin/python manage.py'
	@echo 'make down   stop the services; make reset deletes their data as well'

environment:
	@$(FIND_PYTHON)

run: environment
	@exec $(PY) manage.py local run

setup: environment
	@$(PY) manage.py local up
	@$(PY) manage.py migrate --no-input --verbosity 0

test: environment
	@$(PY) -m revops.local.browser
	@$(PY) -m pytest -n 3 --create-db $(ARGS)

check: environment
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	.venv/bin/lint-imports
	.venv/bin/djlint templates --lint --quiet
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py lint_migrations

bench: environment
	@$(PY) -m bench $(ARGS)

down reset:
	@if [ -x $(PY) ]; then $(PY) manage.py local $@; else echo 'Nothing is set up here.'; fi

# After a change to requirements/*.in. No registry's address ends up in a lock.
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
locks: environment
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	$(COMPILE) requirements/local.in -c requirements/dev.txt -o requirements/local.txt
	$(COMPILE) requirements/base.in -c requirements/dev.txt -o requirements/base.txt
