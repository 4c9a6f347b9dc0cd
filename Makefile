# Every task people come with. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON3 ?= python3
PYTHON := .venv/bin/python
FORMAT ?= text
# Bytecode lies in one place, not beside the sources: without any, every command would compile boto3 and moto anew.
export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/pycache
# What the caller's shell says to Python and Bash must not change what the commands do.
unexport $(filter-out PYTHONPYCACHEPREFIX PYTHONHASHSEED,$(filter PYTHON%,$(.VARIABLES))) BASH_ENV SHELLOPTS BASHOPTS
export PYTHONUTF8 := 1

.PHONY: help
help: ## List the tasks
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-21s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ The stack on this machine

.PHONY: up dev down reset status logs env clock fault iam-report
up: environment ## Build, start, apply envs/dev, migrate, seed an administrator; print the URLs (FORMAT=json)
	@$(PYTHON) -m tools.laptop up --format $(FORMAT)

dev: environment ## Run up, then serve saved files in functions/ at once and print each request; Ctrl-C leaves the stack up
	@$(PYTHON) -m tools.laptop dev

down: environment ## Stop the stack
	@$(PYTHON) -m tools.laptop down

reset: environment ## Stop the stack and delete its data
	@$(PYTHON) -m tools.laptop reset

status: environment ## Print what runs and where (FORMAT=json)
	@$(PYTHON) -m tools.laptop status --format $(FORMAT)

logs: environment ## Follow the logs (SERVICE=users for one function, SERVICE=aws for the local AWS)
	@$(PYTHON) -m tools.laptop logs $(if $(SERVICE),--service $(SERVICE))

env: environment ## Print exports for aws, boto3 and curl, with a fresh token: eval "$(make -s env)" (FORMAT=json)
	@$(PYTHON) -m tools.laptop env --format $(FORMAT)

clock: environment ## Move the clock of a stack that ATRIUM_CLOCK=movable make up started (FORWARD=3600 seconds)
	@$(PYTHON) -m tools.laptop clock --forward $(or $(FORWARD),0)

fault: environment ## Let a dependency of the stack fail for a while (DEPENDENCY=postgres|proxy|dynamodb|cognito|secrets FAULT=kill|hang|delay|throttle|error|skew SECONDS=20; without FAULT it ends)
	@$(PYTHON) -m tools.laptop fault --dependency "$(DEPENDENCY)" --fault "$(FAULT)" --seconds "$(or $(SECONDS),20)"

iam-report: environment ## List the permissions that calls of functions used, and those that no call used
	@$(PYTHON) -m tools.laptop.iam_report

##@ Migrations of the database

.PHONY: migration migrate migrate-down migrate-plan migrate-status migrate-items audit-verify restore-drill record-sql
MIGRATE = $(PYTHON) -m tools.operations.migrate
MIGRATE_WHERE = --env "$(ENV)" --format "$(FORMAT)" $(if $(TUNNEL),--tunnel "$(TUNNEL)")
migration: environment ## Create the files of a migration and of its rollback (NAME=add_phone)
	@$(PYTHON) -m tools.operations.new_migration "$(NAME)"

migrate: environment ## Apply pending migrations (ENV=local|dev|… TO=0002 TUNNEL=5433 FORMAT=json)
	@$(MIGRATE) apply $(MIGRATE_WHERE) --to "$(TO)"

migrate-down: environment ## Revert the last migration (ENV=… STEPS=1; prod also needs CONFIRM=atrium-prod)
	@$(MIGRATE) down $(MIGRATE_WHERE) --steps "$(or $(STEPS),1)" --confirm "$(CONFIRM)"

migrate-plan: environment ## Print the SQL that migrate would run (ENV=… TO=…)
	@$(MIGRATE) plan $(MIGRATE_WHERE) --to "$(TO)"

migrate-status: environment ## Print applied and pending migrations; changes nothing (ENV=… FORMAT=json)
	@$(MIGRATE) status $(MIGRATE_WHERE)

migrate-items: environment ## Move the table's items to the newest layout, after a release (ENV=… DRY_RUN=1 FORMAT=json)
	@$(PYTHON) -m tools.operations.migrate_items --env "$(ENV)" --format "$(FORMAT)" $(if $(DRY_RUN),--dry-run)

audit-verify: environment ## Find audit events that were altered, removed or moved (ENV=… TUNNEL=5433 FORMAT=json)
	@$(PYTHON) -m tools.operations.audit_verify $(if $(FORMAT),--format "$(FORMAT)") --env "$(ENV)" --tunnel "$(TUNNEL)"

restore-drill: environment ## Dump the laptop's database, drop it, restore it, and compare
	@$(PYTHON) -m tools.operations.restore_drill --format "$(FORMAT)"

record-sql: environment ## Record the SQL that services send, against which the next migration is tested (ONLY=1 drops that of older releases)
	@RECORD_SQL=$(if $(ONLY),only,add) $(PYTHON) -m pytest -q -p no:cacheprovider tests/migrations/test_sent_sql.py -k ledger

.PHONY: bench
bench: build ## Measure Atrium beside its peers in one run; write the table and the charts in bench/results
	@$(PYTHON) -m bench.comparison

.PHONY: record-warm-path
record-warm-path: environment ## Record the bytecode instructions of warm requests, which make test compares with later ones
	@RECORD_WARM_PATH=1 $(PYTHON) -m pytest -q -p no:cacheprovider tests/unit/test_warm_path.py

##@ Code

.PHONY: new-service new-environment build fmt lint check test hooks
new-service: environment ## Add a service of one resource, with contract, migration and tests (NAME=parcels)
	@$(PYTHON) -m tools.setup.new_service "$(NAME)"
	@$(PYTHON) -m tools.setup.personal_data_page

new-environment: environment ## Add an environment that is deployed before prod (NAME=staging FROM=prod)
	@$(PYTHON) -m tools.setup.new_environment "$(NAME)" --source "$(or $(FROM),prod)"

build: environment ## Build every artefact into build/: function zips, layers, contract, gateway body
	@$(PYTHON) -m tools.build

fmt: environment ## Format Python and Terraform
	@.venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix . && terraform fmt -recursive modules envs examples

lint: environment ## Check style, types and workflows
	@$(PYTHON) -m tools.checks.stages lint workflows

check: environment .venv/datamodel-codegen/bin/datamodel-codegen ## Run what a commit must pass: format, style, types, workflows, contract, unit tests
	@$(PYTHON) -m tools.build --local >/dev/null
	@PYTEST_ADDOPTS='-m "not trials"' $(PYTHON) -m tools.checks.stages lint workflows unit

test: export CHECKOV := $(CURDIR)/.venv/checkov/bin/checkov
test: export CFN_LINT := $(CURDIR)/.venv/cfn-lint/bin/cfn-lint
test proof-fuzz: export SCHEMATHESIS := $(CURDIR)/.venv/schemathesis/bin/schemathesis
ifeq ($(SERVICE)$(ONLY),)
test: environment .venv/checkov/bin/checkov .venv/cfn-lint/bin/cfn-lint .venv/schemathesis/bin/schemathesis .venv/datamodel-codegen/bin/datamodel-codegen ## Run every test on a stack of its own; SERVICE=users or ONLY='tests/unit -k etag' runs a part on the stack that is up
	@$(PYTHON) -m tools.checks.stages
else
test: environment .venv/datamodel-codegen/bin/datamodel-codegen
	@$(PYTHON) -m tools.checks.selection --service "$(SERVICE)" --only "$(ONLY)"
endif

hooks: environment ## Let git run make check before each commit
	@.venv/bin/pre-commit install

##@ Proofs that take longer than a test may

.PHONY: failure-matrix proof-durability proof-two-days proof-fuzz proof-access proof-cedar proof-inputs proof-revocation proof-revocation-live proof-security proof-soak
failure-matrix: environment ## Break a stack in every known way; print each message and whether the next make up works
	@$(PYTHON) -m pytest -q -p no:cacheprovider -n 2 --dist loadgroup tests/failures

proof-durability: environment ## Kill the store 500 times and a whole stack 30 times under load: no acknowledged write may be lost (KILLS=500 STACK_KILLS=30)
	@KILLS=$(or $(KILLS),500) $(PYTHON) -m pytest -q -rP -p no:cacheprovider packages/local-aws/tests/local_aws_tests/dynamodb/test_kills.py
	@STACK_KILLS=$(or $(STACK_KILLS),30) $(PYTHON) -m pytest -q -rP -p no:cacheprovider tests/failures/test_durability.py

proof-two-days: environment ## Simulate 48 hours: workers, streams, expiry and schedules, then a complete stack (HOURS=48)
	@HOURS=$(or $(HOURS),48) $(PYTHON) -m pytest -q -p no:cacheprovider packages/local-aws/tests/local_aws_tests/clock
	@HOURS=$(or $(HOURS),48) $(PYTHON) -m pytest -q -rP -p no:cacheprovider tests/failures/test_two_days.py

proof-fuzz: export FUZZ_EXAMPLES := $(or $(EXAMPLES),25)
proof-fuzz: export FUZZ_SEED := $(or $(SEED),1)
proof-fuzz: environment .venv/schemathesis/bin/schemathesis ## Send more than 2,000 generated requests to the running stack; each answer must fit the contract (EXAMPLES=25 SEED=1)
	@$(PYTHON) -m pytest -q -rP -p no:cacheprovider tests/contract/test_fuzz.py

proof-access: environment ## Compare a million random decisions with the reference model, then a hundred thousand through the handler and a table (COUNT=… ASKED=…)
	@PYTHONPATH=.:functions $(PYTHON) -m tests.unit.access.decision_comparison $(if $(COUNT),--count $(COUNT))
	@DECISIONS=$(or $(ASKED),100000) $(PYTHON) -m pytest -q -p no:cacheprovider tests/unit/access/test_decision.py -k service

proof-cedar: environment .venv/cedar/synced ## Compare a hundred thousand random decisions with Cedar's (COUNT=… SEED=…)
	@PYTHONPATH=.:functions:.venv/cedar/lib/python3.13/site-packages $(PYTHON) -m tests.unit.access.cedar_oracle $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

proof-revocation: environment ## Grant, use, revoke and ask again, a thousand times, through the API and two containers (COUNT=…)
	@REVOCATIONS=$(or $(COUNT),1000) $(PYTHON) -m pytest -q -p no:cacheprovider tests/unit/access/test_revocation.py

proof-revocation-live: environment ## Revoke a right on the running stack in real time, and ask until nothing is permitted (TRIALS=24 WRITE=1)
	@$(PYTHON) -m bench.access.revocation --trials $(or $(TRIALS),24) $(if $(WRITE),--write)

proof-security: environment ## Attack every operation that needs current authority with rights that have just ended: 1,000 trials of each kind in process, 30 by HTTP on the stack that is up (COUNT=… LIVE=…)
	@WHOLE_MATRIX=1 TRIALS_PER_KIND=$(or $(COUNT),1000) $(PYTHON) -m pytest -q -rP -p no:cacheprovider tests/security
	@$(PYTHON) -m tests.security.live --trials $(or $(LIVE),30)

proof-inputs: environment ## Send hostile schemas (at most 0.1 s of the processor a request), and 20 times as many generated values, each run others (EXAMPLES=20)
	@CPU_SECONDS=0.1 $(PYTHON) -m pytest -q -p no:cacheprovider tests/unit/access/test_schemas.py
	@EXPLORE=$(or $(EXAMPLES),20) $(PYTHON) -m pytest -q -p no:cacheprovider tests/unit/access/test_accepted_values.py

.PHONY: proof-cognito-clients
proof-cognito-clients: environment ## Run the whole auth API of pycognito, amazon-cognito-identity-js, aws-amplify v6, openid-client, oidc-client-ts and authlib against the laptop's Cognito
	@COGNITO_CLIENTS=all $(PYTHON) -m pytest -q -p no:cacheprovider packages/local-aws/tests/local_aws_tests/cognito_clients

proof-soak: environment ## Load the running stack: processes, open files and memory must not grow (DURATION=1800 seconds WRITE=1)
	@$(PYTHON) -m bench.soak --seconds $(or $(DURATION),1800) $(if $(WRITE),--write)

.PHONY: proof-comparison
proof-comparison: environment .venv/ministack/bin/ministack ## Run the rules of AWS against local-aws and another emulator, and print the table of its README
	@PYTHONPATH=packages/local-aws/tests $(PYTHON) -m local_aws_tests.beside_ministack "$(CURDIR)/.venv/ministack/bin/ministack" "$(CURDIR)/.venv/lambda-runtime"

.PHONY: proof-page
proof-page: environment .venv/playwright/bin/playwright docs-site console ## Sign in and send requests on /docs of the stack that is up, in Chromium, light and dark, desktop and phone; screenshots in build/pictures
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/proofs/test_docs_page.py

.PHONY: proof-console
proof-console: environment .venv/playwright/bin/playwright console ## Use every screen of /console of the stack that is up, in Chromium with axe, light and dark, desktop and phone; screenshots in build/pictures
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/proofs/test_console.py

.PHONY: proof-local-console
proof-local-console: environment .venv/playwright/bin/playwright console ## Use every screen of the laptop's console, at the AWS endpoint of the stack that is up, in Chromium with axe, light and dark, desktop and phone; screenshots in build/pictures
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/proofs/test_local_console.py

.PHONY: console-picture
console-picture: environment .venv/playwright/bin/playwright ## Take the README's screenshot of the laptop's console from the stack that is up
	@README_PICTURE=docs/pictures/console.jpg $(PYTHON) -m pytest -q -p no:cacheprovider tests/proofs/test_local_console.py

.PHONY: proof-shells
proof-shells: environment ## Start, call and stop a small stack in 55 shells, below 8 paths and in 3 clones
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/laptop/shells/proof_shells.py

.PHONY: proof-overload
proof-overload: environment ## Send the running stack five times its capacity: it must keep serving, and recover (DURATION=60 WRITE=1)
	@$(PYTHON) -m bench.overload --seconds $(or $(DURATION),60) $(if $(WRITE),--write)

.PHONY: proof-faults
proof-faults: environment ## Let each dependency of the running stack fail in each way under light load: no permit without a right, recovery in 5 s, no lost write (WRITE=1 writes docs/faults.md)
	@$(PYTHON) -m bench.faults $(if $(WRITE),--write)

.PHONY: proof-erasure
proof-erasure: environment ## Erase people with a marker in every field on the stack that is up, and search every live store and file for it (ERASURES=5)
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/unit/personal_data
	@ERASURES=$(or $(ERASURES),5) $(PYTHON) -m pytest -q -rP -p no:cacheprovider functions/users/tests/test_erasure.py functions/users/tests/proof_erasure.py

.PHONY: proof-cut-points
proof-cut-points: environment ## Kill the process before and after every call of every flow that changes more than one store; then the stores must agree
	@CUT_POINTS=all $(PYTHON) -m pytest -q -rP -p no:cacheprovider tests/unit/cut_points

.PHONY: proof-redeploy
proof-redeploy: environment ## Destroy a stack and deploy it again, although RDS leaves log groups (ATRIUM_STATE=.local-proof API_PORT=… AWS_PORT=…)
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/proofs

.PHONY: proof-pipelines
proof-pipelines: environment ## Run every workflow with act, also with the real commands against an empty account of the laptop's AWS; interrupt deploys at every point; upgrade every kind of fork; release and roll back on the stack that is up
	@$(PYTHON) -m pytest -q -rP -p no:cacheprovider -n 2 tests/pipeline_runs
	@$(MAKE) --no-print-directory proof-account
	@WHOLE_MATRIX=1 $(PYTHON) -m pytest -q -p no:cacheprovider -n 2 tests/pipelines
	@$(PYTHON) -m pytest -q -p no:cacheprovider tests/story/test_release.py tests/story/proof_release.py

.PHONY: proof-account
proof-account: environment ## Deploy from an empty account of the laptop's AWS, scenario by scenario (ACCOUNT=folder keeps it and continues at the failed scenario; ONLY=drift)
	@ACCOUNT=$(ACCOUNT) $(PYTHON) -m pytest -q -x -s $(if $(ACCOUNT),--stepwise -o cache_dir=$(abspath $(ACCOUNT))/pytest,-p no:cacheprovider) $(if $(ONLY),-k $(ONLY)) tests/pipeline_runs/proof_account.py

##@ Environments on AWS

.PHONY: asvs
asvs: environment ## Print how many requirements of OWASP ASVS 5.0, levels 1 and 2, are met, and which are not
	@$(PYTHON) -m tools.checks.asvs

.PHONY: reachability
reachability: environment ## Print which parts of an environment's network can reach each other, with the paths that prove it (ENV=dev|prod); needs no account
	@PYTHONPATH=.:functions:packages/local-aws/src:packages/local-aws/tests $(PYTHON) -m tests.infra.reachability $(or $(ENV),dev)

.PHONY: protection
protection: environment ## Print how an environment's data and connections are encrypted, and check its plan for secrets (ENV=dev|prod); needs no account
	@PYTHONPATH=.:functions:packages/local-aws/src:packages/local-aws/tests $(PYTHON) -m tests.infra.protection $(or $(ENV),dev)

.PHONY: cost
cost: environment ## Print what an environment costs on AWS, idle and per million requests (ENV=dev|prod, FORMAT=json, BASE=commit to compare with); needs no account
	@$(PYTHON) -m tools.operations.cost $(or $(ENV),dev) --format $(or $(FORMAT),text) $(if $(BASE),--base "$(BASE)") $(if $(TEXT),--text "$(TEXT)")

.PHONY: picture
picture: environment ## Draw an environment from its plan as SVG in docs/pictures (ENV=prod, which the README shows); needs no account
	@$(PYTHON) -m tools.operations.picture $(or $(ENV),prod)

.PHONY: bootstrap plan preflight deploy release rollback unlock smoke verify admin import-users tunnel destroy artefacts
# An empty digest is passed on, and refused: the step that should have set it has failed.
TESTED_ARTEFACTS = $(if $(filter undefined,$(origin ARTEFACTS)),,--artefacts "$(ARTEFACTS)")
CANARY_OPTIONS = $(if $(CANARY),--canary $(CANARY)) $(if $(WATCH),--watch $(WATCH))
bootstrap: environment ## Prepare an AWS account once: state bucket, roles for GitHub (YES=1 skips the question)
	@$(PYTHON) -m tools.operations.bootstrap $(if $(YES),--yes)

plan: environment ## Show what a deploy would change (ENV=dev|…|local); changes nothing
	@$(PYTHON) -m tools.operations.plan $(ENV) $(TESTED_ARTEFACTS) $(if $(KEEP),--keep $(KEEP)) $(if $(GUARD),--guard) $(if $(TEXT),--text $(TEXT))

preflight: environment ## Check whether the account is ready for a deploy, and print the remedies (ENV=dev|prod|local); changes nothing
	@$(PYTHON) -m tools.operations.preflight $(ENV)

deploy: environment ## Build, apply, migrate, shift aliases, smoke-test (ENV=dev; SERVICE=users for its code alone; YES=1; CANARY=10)
	@$(PYTHON) -m tools.operations.deploy $(ENV) $(if $(SERVICE),--service $(SERVICE)) $(TESTED_ARTEFACTS) $(if $(PLAN),--plan $(PLAN) --sha256 $(PLAN_SHA256)) $(if $(YES),--yes) $(CANARY_OPTIONS)

release: environment ## Migrate, then shift aliases to the published versions; roll back on an alarm (ENV=dev CANARY=10 WATCH=600)
	@$(PYTHON) -m tools.deploy.release $(ENV) $(CANARY_OPTIONS)

rollback: environment ## Make the previous release live again, in seconds, even during an alarm (ENV=dev TO=12 LIST=1)
	@$(PYTHON) -m tools.operations.rollback $(ENV) $(if $(TO),--to $(TO)) $(if $(LIST),--list)

unlock: environment ## Explain the locks that a killed run left, and remove them (ENV=dev YES=1)
	@$(PYTHON) -m tools.operations.unlock $(ENV) $(if $(YES),--yes)

smoke: environment ## Check that an environment answers, serves its contract and demands a token (ENV=dev)
	@$(PYTHON) -m tools.operations.smoke $(ENV)

verify: environment ## Check a deployed environment against the contract's promises, and store its answers (ENV=dev ADMIN_EMAIL=… ADMIN_PASSWORD=…)
	@$(PYTHON) -m tools.operations.verify $(ENV)

admin: environment ## Grant a user the role admin, also the first one (ENV=local|dev|… EMAIL=ada@example.com FORMAT=json)
	@$(PYTHON) -m tools.deploy.admin --env "$(ENV)" --email "$(EMAIL)" --format "$(FORMAT)"

reconcile: environment ## Compare the user pool with the records, and list the differences (ENV=… REPAIR=1 repairs them, FORMAT=json)
	@$(PYTHON) -m tools.deploy.reconcile --env "$(ENV)" --format "$(FORMAT)" $(if $(REPAIR),--repair)

import-users: environment ## Invite the users of a CSV file; run it again to continue after an interruption (FILE=users.csv ENV=… DRY_RUN=1 RATE=5 ADMIN_EMAIL=… ADMIN_PASSWORD=…)
	@$(PYTHON) -m tools.operations.import_users --env "$(ENV)" --file "$(FILE)" --rate "$(or $(RATE),5)" $(if $(DRY_RUN),--dry-run)

replay-erasures: environment ## Repeat the erasures that a restored backup has undone (ENV=… DRY_RUN=1 UIDS="…" FORMAT=json)
	@$(PYTHON) -m tools.deploy.replay_erasures --env "$(ENV)" --uids "$(UIDS)" --format "$(FORMAT)" $(if $(DRY_RUN),--dry-run)

.PHONY: service rotate-service
service: environment ## Create or update the client of a declared service (machine caller), its roles and its secret in Secrets Manager (ENV=dev NAME=reporting STATUS=active|disabled)
	@$(PYTHON) -m tools.operations.service_client ensure --env "$(ENV)" --name "$(NAME)" --status "$(or $(STATUS),active)"

rotate-service: environment ## Give a service a new secret; FINISH=1 deletes the previous one (ENV=dev NAME=reporting)
	@$(PYTHON) -m tools.operations.service_client $(if $(FINISH),finish,rotate) --env "$(ENV)" --name "$(NAME)"

tunnel: environment ## Forward localhost:5433 to an environment's database through Session Manager (ENV=dev PORT=5433)
	@$(PYTHON) -m tools.operations.tunnel $(or $(ENV),dev) --port $(or $(PORT),5433)

destroy: environment ## Destroy an environment (ENV=dev; prod also needs CONFIRM=atrium-prod and its protection lifted)
	@$(PYTHON) -m tools.operations.destroy $(ENV) $(if $(CONFIRM),--confirm $(CONFIRM))

artefacts: environment ## Print the digest of build/, for make deploy ARTEFACTS=…; fail if it is not EXPECT
	@$(PYTHON) -m tools.deploy.artefacts $(if $(filter undefined,$(origin EXPECT)),,"$(EXPECT)")

##@ Releases of the repository, and what workflows tell GitHub

.PHONY: version upgrade contract-changes release-assets client-packages environments gate plan-comment drift-issue deployed-commit
version: environment ## Give the changes under Unreleased a version (TO=0.2.0)
	@$(PYTHON) -m tools.release.versions "$(TO)"

upgrade: environment ## Merge a release of Atrium into this fork (FROM=<remote or path> TO=v0.2.0)
	@$(PYTHON) -m tools.release.upgrade "$(FROM)" "$(TO)"

contract-changes: environment ## Fail if the contract breaks clients and its version is unchanged (BASE=main)
	@$(PYTHON) -m tools.release.contract_changes "$(BASE)"

release-assets: environment ## Write the notes and files of a GitHub release (TAG=v0.2.0 TO=release/)
	@$(PYTHON) -m tools.release.assets "$(TAG)" "$(TO)"

client-packages: typescript-client python-client ## Build the clients for npm and PyPI, and check them as the registries do; nothing is sent (TO=dist)
	@$(PYTHON) -m tools.release.client_packages "$(or $(TO),dist)"

environments: environment ## Print the environments that have an account as a workflow's matrix
	@$(PYTHON) -m tools.release.environments

gate: environment ## Check in GitHub that deploys of an environment wait for an approval (ENV=prod)
	@$(PYTHON) -m tools.release.gate "$(ENV)"

plan-comment: environment ## Show plans in one comment of a pull request (PULL=7 TEXTS=plans)
	@$(PYTHON) -m tools.release.plan_comment "$(PULL)" "$(TEXTS)"

drift-issue: environment ## Open, update or close the issue that reports drift (TEXTS=plans)
	@$(PYTHON) -m tools.release.drift_issue "$(TEXTS)"

deployed-commit: environment ## Print the commit that an environment was deployed from; nothing before its first deploy (ENV=prod)
	@$(PYTHON) -m tools.operations.rollback $(ENV) --commit

##@ Maintenance

.PHONY: docs docs-site doctor environment lock add-dependency remove-dependency typescript-client python-client console collection
docs: environment ## Write the examples and tables of the modules' READMEs, docs/personal-data.md, docs/fidelity.md and docs/errors.md
	@$(PYTHON) -m tools.setup.module_readmes
	@$(PYTHON) -m tools.setup.personal_data_page
	@$(PYTHON) -m tools.setup.fidelity_page
	@$(PYTHON) -m tools.setup.errors_page

docs-site: environment ## Write the page of the API and the guides as static files, also served at /docs by make up (TO=site)
	@test -f build/openapi.json || $(MAKE) -s build
	@$(PYTHON) -m tools.setup.docs_site $(TO)

typescript-client: environment ## Build clients/typescript from the contract
	@test -f build/openapi.json || $(MAKE) -s build
	@cd clients/typescript && npm ci --ignore-scripts --no-audit --no-fund --silent && npm run --silent build

python-client: environment .venv/datamodel-codegen/bin/datamodel-codegen ## Write the types, operations and errors of clients/python from the contract
	@$(PYTHON) -m tools.setup.python_client

console: typescript-client ## Build examples/web, which make up serves at /console
	@cd examples/web && npm ci --ignore-scripts --no-audit --no-fund --silent && npm run --silent build

collection: environment ## Write build/atrium.postman_collection.json from the contract, for Postman, Bruno and Insomnia (TO=file)
	@test -f build/openapi.json || $(MAKE) -s build
	@$(PYTHON) -m tools.setup.collection $(TO)

doctor: ## List what this machine lacks, and the commands that install it (FORMAT=json)
	@command -v $(PYTHON3) >/dev/null || { echo "python3 is missing. Install Python 3.13, or name one: PYTHON3=/path/to/python3 make doctor"; exit 1; }
	@$(PYTHON3) tools/setup/doctor.py --format $(FORMAT)

environment:
	@$(PYTHON3) tools/bootstrap.py

.venv/checkov/bin/checkov: requirements/checkov.txt
	@.venv/bin/uv venv --quiet --allow-existing --python $(PYTHON) .venv/checkov
	@.venv/bin/uv pip sync --quiet --python .venv/checkov --require-hashes requirements/checkov.txt
	@touch $@

.venv/cfn-lint/bin/cfn-lint: requirements/cfn-lint.txt
	@.venv/bin/uv venv --quiet --allow-existing --python $(PYTHON) .venv/cfn-lint
	@.venv/bin/uv pip sync --quiet --python .venv/cfn-lint --require-hashes requirements/cfn-lint.txt
	@touch $@

.venv/schemathesis/bin/schemathesis: requirements/schemathesis.txt
	@.venv/bin/uv venv --quiet --allow-existing --python $(PYTHON) .venv/schemathesis
	@.venv/bin/uv pip sync --quiet --python .venv/schemathesis --require-hashes requirements/schemathesis.txt
	@touch $@

.venv/datamodel-codegen/bin/datamodel-codegen: requirements/datamodel-codegen.txt
	@.venv/bin/uv venv --quiet --allow-existing --python $(PYTHON) .venv/datamodel-codegen
	@.venv/bin/uv pip sync --quiet --python .venv/datamodel-codegen --require-hashes requirements/datamodel-codegen.txt
	@touch $@

.venv/cedar/synced: requirements/cedar.txt
	@.venv/bin/uv venv --quiet --allow-existing --python $(PYTHON) .venv/cedar
	@.venv/bin/uv pip sync --quiet --python .venv/cedar --require-hashes requirements/cedar.txt
	@touch $@

.venv/playwright/bin/playwright: requirements/playwright.txt
	@.venv/bin/uv venv --quiet --allow-existing --python $(PYTHON) .venv/playwright
	@.venv/bin/uv pip sync --quiet --python .venv/playwright --require-hashes requirements/playwright.txt
	@touch $@

.venv/ministack/bin/ministack: requirements/ministack.txt
	@.venv/bin/uv venv --quiet --allow-existing --python $(PYTHON) .venv/ministack
	@.venv/bin/uv pip sync --quiet --python .venv/ministack --require-hashes requirements/ministack.txt
	@touch $@

lock: environment ## Compile pyproject.toml's groups into requirements/*.txt, with hashes
	@$(PYTHON) -m tools.setup.lock

add-dependency: environment ## Add a package to locks, artefacts and .venv (NAME=httpx or NAME='httpx>=0.27'; SERVICE=users for that one alone)
	@$(PYTHON) -m tools.setup.dependencies add '$(NAME)' $(if $(SERVICE),--service '$(SERVICE)')

remove-dependency: environment ## Remove a package again (NAME=httpx SERVICE=users)
	@$(PYTHON) -m tools.setup.dependencies remove '$(NAME)' $(if $(SERVICE),--service '$(SERVICE)')
