# Every task people come with. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON3 ?= python3
PYTHON := .venv/bin/python
FORMAT ?= text
# The interpreter's own caches would make folders differ between runs.
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help: ## List the tasks
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ The stack on this machine

.PHONY: up down reset status logs env
up: environment ## Build, start, apply envs/dev, migrate, seed an admin; print the URLs (FORMAT=json)
	@$(PYTHON) -m local up --format $(FORMAT)

down: environment ## Stop the stack
	@$(PYTHON) -m local down

reset: environment ## Stop the stack and forget its data
	@$(PYTHON) -m local reset

status: environment ## Say what runs where (FORMAT=json)
	@$(PYTHON) -m local status --format $(FORMAT)

logs: environment ## Follow the logs (SERVICE=users for one function, SERVICE=aws for the local AWS)
	@$(PYTHON) -m local logs $(if $(SERVICE),--service $(SERVICE))

env: environment ## Print exports for aws, boto3 and curl, with a fresh token: eval "$(make -s env)" (FORMAT=json)
	@$(PYTHON) -m local env --format $(FORMAT)

##@ Code

.PHONY: build fmt lint test
build: environment ## Build every artefact into build/: function zips, layers, contract, gateway body
	@$(PYTHON) -m builder

fmt: environment ## Format Python and Terraform
	@.venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix . && terraform fmt -recursive modules envs

lint: environment ## Check style and types
	@$(PYTHON) -m tests.stages lint

test: environment ## Run every test, on a stack of its own, each stage with its time
	@$(PYTHON) -m tests.stages

##@ Maintenance

.PHONY: environment lock
environment:
	@$(PYTHON3) local/bootstrap.py

COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-header pyproject.toml
lock: environment ## Compile pyproject.toml's groups into requirements/*.txt, with hashes
	@$(COMPILE) --group uv -o requirements/uv.txt
	@$(COMPILE) --group layer --group migrate --group local --group test --group uv -c requirements/uv.txt -o requirements/dev.txt
	@for group in layer migrate runtime; do $(COMPILE) --group $$group -c requirements/dev.txt -o requirements/$$group.txt; done
