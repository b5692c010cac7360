# Everything a checkout needs, from Python and make alone. `make help` lists the targets.

VENV := .venv
PORT ?= 8080
LOCAL_API_PORT ?= 8000
PYTEST_ARGS ?=
# One more than cores: whoever tests a whole Airflow waits most of the time.
TEST_PROCESSES ?= 3
# Folders of pipelines that have tests beside them; each recipe is one.
TESTED := pipelines $(filter-out docs/examples/recipes,$(wildcard docs/examples/*)) $(wildcard docs/examples/recipes/*)

# Taken from the command line only: an AIRFLOW_HOME that a shell exports belongs to another Airflow.
ifneq ($(origin AIRFLOW_HOME),command line)
RUN_HOME := .airflow
else
RUN_HOME := $(AIRFLOW_HOME)
endif

# The newest usable interpreter with `venv`; else the newest that starts, so that it can say what is wrong.
# Each candidate is run, because a version manager's shim can exist and fail.
CANDIDATES := python3.13 python3.12 python3.11 python3
ifndef PYTHON
PYTHON := $(shell \
    for check in 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
                 'import sys; sys.exit(sys.version_info < (3, 11))' 'pass'; do \
        for python in $(CANDIDATES); do \
            if $$python -I -c "$$check" >/dev/null 2>&1; then echo $$python; exit; fi; \
        done; \
    done)
endif

# What another project put there must not reach this one, and each process would compile everything again.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

BOOTSTRAP = $(if $(PYTHON),,$(error No Python found: install Python 3.11 or newer, \
or name one with `make run PYTHON=/path/to/python3`))"$(PYTHON)" scripts/bootstrap.py --venv $(VENV)

ifeq ($(filter run,$(MAKECMDGOALS))$(findstring command,$(origin HOST)),runcommand)
$(error make run is for one person and listens on 127.0.0.1 only. To share an Airflow use make up: \
see "Let others in" in docs/operations.md)
endif

.DEFAULT_GOAL := help
.PHONY: help run test lint bench soak soak-containers lock up down clean setup setup-dev setup-soak

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make run PORT=8080 LOCAL_API_PORT=8000 AIRFLOW_HOME=.airflow"
	@echo "  make test PYTEST_ARGS='tests/schemas -x'"

# exec, here and below: make's own child is the program and no shell, so a signal to make reaches it.

# What the pipelines of this folder use; models (the extra `ml`) are left to who trains some.
SETUP = $(BOOTSTRAP) --extra airflow --extra chart --extra duckdb --extra load
setup:
	@exec $(SETUP)

setup-dev:
	@exec $(BOOTSTRAP) --extra airflow --extra dev

run: ## start Airflow with the pipelines of this folder, and the sample API
	@exec $(SETUP) --for-run "$(RUN_HOME)"
	@exec $(VENV)/bin/factory run --port "$(PORT)" --local-api-port "$(LOCAL_API_PORT)" --airflow-home "$(RUN_HOME)"

test: setup-dev ## run all tests but the long ones
	@$(VENV)/bin/factory test --parallel 2 $(TESTED)
	@exec $(VENV)/bin/python -m pytest -n $(TEST_PROCESSES) --dist loadfile $(PYTEST_ARGS)

bench: setup-dev ## measure against dag-factory and hand-written Python; takes about 40 minutes
	@for each in lint lint_mistakes dag_factory_documents task_start dag_processor_cpu edit_to_visible growth poll watch plan factory_test try_start editor; do $(VENV)/bin/python -m benchmarks.$$each || exit 1; done

lint: setup-dev ## check code and pipelines
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/factory lint pipelines

# PostgreSQL and Redis are the system's: root alone may install them.
setup-soak:
	@exec $(BOOTSTRAP) --extra airflow --extra celery --extra dev
	@$(VENV)/bin/python -m tests.e2e.services

soak: setup-soak ## run the tests that take long or need a service
	@exec $(VENV)/bin/python -m pytest -m 'soak and not containers' $(PYTEST_ARGS)

soak-containers: setup-soak ## run docker compose on real containers; takes about an hour
	@exec $(VENV)/bin/python -m pytest -m containers -s tests/e2e/test_containers.py $(PYTEST_ARGS)

# LOCK_ARGS=--upgrade takes the newest versions; without it only what pyproject.toml asks for changes.
lock: ## write requirements.lock again from pyproject.toml
	@"$(PYTHON)" -m venv build/lock && build/lock/bin/python -m pip install --quiet uv
	@build/lock/bin/uv pip compile pyproject.toml --universal --python-version 3.11 \
	    --extra airflow --extra celery --extra dev --quiet --no-header --no-annotate \
	    --output-file requirements.lock $(LOCK_ARGS)

up: ## start the cluster of docker-compose.yaml, and the sample API
	@exec "$(PYTHON)" scripts/compose_demo.py up

down: ## stop what `make up` started
	@exec "$(PYTHON)" scripts/compose_demo.py down

clean: ## remove what set-up and tests made; the state in .airflow stays
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
