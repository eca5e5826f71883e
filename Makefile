# Everything runs on a fresh machine with Go, Python 3.11, Node 20 (the page and tests) and Debian's package manager: what else
# is needed is installed below, into this folder where it can be.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

FUNCTIONS := picture create-task tasks callback-result callback-status relay web sweeper
BIN       := .build/bin
TOOLS     := .build/tools
WEB       := functions/web
WORKER    := functions/worker
VENV      := $(WORKER)/.venv
PYTHON    := $(VENV)/bin/python
TOOLKIT   := infra/cloud/toolkit
CONFORM   := .build/conform
OUT       ?= out

GOLANGCI_LINT_VERSION := v2.15.0

# The race detector needs a C compiler; tests run without it where there is none.
RACE := $(if $(shell command -v cc),-race,)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-28s %s\n", $$1 args[$$1], $$2 } \
		/^# args / { split($$0, a, " "); args[a[3]] = substr($$0, length(a[1] a[2] a[3]) + 3) }' $(MAKEFILE_LIST)

# args demo  IMAGE=photo.png OUT=out/
.PHONY: demo
demo: need-image build worker ## one photo through the whole system, results to OUT
	@$(BIN)/local demo "$(IMAGE)" "$(OUT)"

.PHONY: need-image
need-image:
	@[ -n "$(IMAGE)" ] || { echo "Say which photo: make demo IMAGE=photo.png OUT=out/" >&2; exit 1; }

# args reconstruct  IMAGE= OUT=
.PHONY: reconstruct
reconstruct: worker ## one photo through the engine alone (ENGINE, FORMATS="stl ply 3mf usdz"), results to OUT
	@[ -n "$(IMAGE)" ] || { echo "Say which photo: make reconstruct IMAGE=photo.png OUT=out/" >&2; exit 2; }
	@PYTHONPATH=$(WORKER) exec $(PYTHON) -m worker.reconstruct "$(IMAGE)" "$(OUT)" --formats $(FORMATS)

.PHONY: up
up: build page $(if $(WORKER_URLS),,worker) ## the whole system on this machine, until Ctrl-C
	@exec $(BIN)/local up

.PHONY: build
build: ## the functions' binaries, static and stripped, and the local host
	@mkdir -p $(BIN)
	@[ -x $(BIN)/local ] || echo "building the functions; the first time this takes a minute or two" >&2
	@CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o $(BIN)/ $(addprefix ./functions/,$(FUNCTIONS)) ./infra/local

.PHONY: web
web: $(WEB)/dist/index.html ## the page, built to functions/web/dist

# All that the build reads.
WEB_SOURCES = $(shell find $(WEB)/src $(WEB)/public $(WEB)/build $(WEB)/index.html $(WEB)/*.ts $(WEB)/*.json \
	-type f ! -name '*.test.ts' ! -name '*.tsbuildinfo' 2>/dev/null)

$(WEB)/dist/index.html: $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES)
	cd $(WEB) && npm run --silent build

# npm writes this file last, so that one that is there is of an installation which is whole.
$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	@infra/local/setup/node
	cd $(WEB) && npm ci
	@touch $@

# The system runs without a page where there is no Node; a page that does not build is an error.
.PHONY: page
page:
	@if ! infra/local/setup/node; then \
		echo "going on without the page" >&2; \
	else \
		$(MAKE) --no-print-directory web; \
	fi

.PHONY: worker
worker: $(VENV)/.stamp ## the worker's Python environment

$(VENV)/.stamp: $(WORKER)/requirements.txt
	@infra/local/setup/venv $(VENV) $<

$(VENV)/.stamp-dev: $(VENV)/.stamp $(WORKER)/requirements-dev.txt
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(WORKER)/requirements-dev.txt
	@touch $@

.PHONY: test
test: test-go test-worker test-web ## every test, on real parts

.PHONY: test-go
test-go: redis worker judges
	go test $(RACE) $$(go list ./... | grep -v /infra/e2e)
	go test $(RACE) -p 1 ./infra/e2e/... # each of its tests is a system of a dozen processes
	cd infra/cloud/schema && go test -count=1 ./... # its files are not the module's: the cache would not see a change

.PHONY: test-worker
test-worker: $(VENV)/.stamp-dev
	cd $(WORKER) && .venv/bin/python -m pytest -n auto
	cd infra/bench && $(CURDIR)/$(PYTHON) -m pytest -c $(CURDIR)/$(WORKER)/pyproject.toml -n auto quality/tests

.PHONY: test-web
test-web: build web worker redis chromium ## the page: its parts, stories of people who use it, how it should look
	cd $(WEB) && npm test
	cd $(WEB) && npx --no-install playwright test

# args conform  SEED=1 EXAMPLES=10
.PHONY: conform
conform: build redis $(CONFORM)/.stamp ## generated requests, good and bad, against openapi.yaml
	@SEED=$(SEED) EXAMPLES=$(EXAMPLES) $(CONFORM)/bin/python infra/e2e/conform/run.py --no-color

$(CONFORM)/.stamp: infra/e2e/conform/requirements.txt
	@infra/local/setup/venv $(CONFORM) $<

# args chaos  SEED=7 TASKS=100
.PHONY: chaos
chaos: build redis worker ## the whole system, broken by a plan that is drawn from a seed: nothing is lost
	@go build -o $(BIN)/chaos ./infra/e2e/chaos
	@exec $(BIN)/chaos $(if $(SEED),-seed $(SEED)) $(if $(TASKS),-tasks $(TASKS))

# args soak  HOURS=2
.PHONY: soak
soak: build redis worker ## a steady stream of tasks under few faults: does anything grow?
	@go build -o $(BIN)/chaos ./infra/e2e/chaos
	@exec $(BIN)/chaos -soak $(or $(HOURS),2)h $(if $(SEED),-seed $(SEED))

# args fuzz  FUZZTIME=10m TARGET=regexp
.PHONY: fuzz
fuzz: ## every fuzz target, so long each
	@infra/local/setup/fuzz "$(or $(FUZZTIME),10m)" "$(TARGET)"

.PHONY: redis
redis:
	@infra/local/setup/redis

.PHONY: judges
judges:
	@infra/local/setup/judges

.PHONY: chromium
chromium:
	@infra/local/setup/chromium

.PHONY: check
check: ## what CI runs: linters, what can be known of a deployment and of what is shipped, every test
	$(MAKE) --no-print-directory -j2 lint deploy-check audit # these wait for the network in turn
	$(MAKE) --no-print-directory test
	$(MAKE) --no-print-directory -j2 conform chaos SEED=1

# args audit  GOVULNDB=file:///folder
.PHONY: audit
audit: sbom ## known vulnerabilities of what is shipped, where databases answer
	infra/audit/vulnerabilities

.PHONY: sbom
sbom: build worker $(WEB)/node_modules/.package-lock.json ## what is shipped (CycloneDX), to .build/sbom, and its licences
	infra/audit/sbom $(BIN) $(PYTHON) .build/sbom

# args deploy-check  ENV=FILE
.PHONY: deploy-check
deploy-check: build $(TOOLKIT)/node_modules/.package-lock.json ## what a deployment would do, known before it
	go run ./infra/cloud/check -env "$(or $(ENV),infra/cloud/env.example)"
	cd $(TOOLKIT) && npm run --silent verify && npm test --silent

.PHONY: image
image: ## the images: functions, host, worker (CUDA=1 KAOLIN_WHEELS=…: the worker for a GPU)
	docker build -f infra/cloud/images/functions.Dockerfile --target functions -t recon3d-functions .
	docker build -f infra/cloud/images/functions.Dockerfile --target host -t recon3d-host .
	docker build -f infra/cloud/images/worker.Dockerfile -t recon3d-worker .
	$(if $(CUDA),docker build -f infra/cloud/images/worker-cuda.Dockerfile --build-arg KAOLIN_WHEELS=$(KAOLIN_WHEELS) -t recon3d-worker-cuda .)

.PHONY: package
package: web ## what is deployed, in .build/bundle and its zip
	go run ./infra/cloud/bundle

# args deploy  STAGE=name DRY_RUN=1
.PHONY: deploy
deploy: ## checks, packages, deploys and tries out a stage: infra/cloud/deploy/README.md
	@mkdir -p $(BIN) && go build -o $(BIN)/deploy ./infra/cloud/deploy
	@exec $(BIN)/deploy $(if $(DRY_RUN),-dry-run) $(if $(ENV),-env "$(ENV)") up "$(STAGE)"

# args undeploy  STAGE=name DRY_RUN=1
.PHONY: undeploy
undeploy: ## takes a stage's functions and routes away; objects and Redis stay
	@mkdir -p $(BIN) && go build -o $(BIN)/deploy ./infra/cloud/deploy
	@exec $(BIN)/deploy $(if $(DRY_RUN),-dry-run) $(if $(YES),-yes) $(if $(ENV),-env "$(ENV)") down "$(STAGE)"

$(TOOLKIT)/node_modules/.package-lock.json: $(TOOLKIT)/package-lock.json
	@infra/local/setup/node
	cd $(TOOLKIT) && npm ci
	@touch $@

.PHONY: lint
lint: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) $(VENV)/.stamp-dev $(WEB)/node_modules/.package-lock.json ## formatting, vet, imports' directions, types, what a file may name
	go mod tidy -diff
	$< run
	cd infra/e2e/chaos/toxiproxy && go mod tidy -diff
	for module in infra/bench/peers infra/cloud/schema; do cd $(CURDIR)/$$module; go mod tidy -diff; $(CURDIR)/$< run; done
	cd $(WORKER) && .venv/bin/ruff check && .venv/bin/ruff format --check && .venv/bin/mypy
	cd infra/bench && $(CURDIR)/$(VENV)/bin/ruff check quality && $(CURDIR)/$(VENV)/bin/ruff format --check quality
	$(VENV)/bin/ruff check --no-cache --config $(WORKER)/pyproject.toml infra/e2e/conform
	$(VENV)/bin/ruff format --no-cache --check --config $(WORKER)/pyproject.toml infra/e2e/conform
	cd infra/bench && MYPYPATH=$(CURDIR)/$(WORKER) $(CURDIR)/$(PYTHON) -m mypy --config-file $(CURDIR)/$(WORKER)/pyproject.toml -p quality
	cd $(WEB) && npm run --silent check
	infra/local/setup/names

.PHONY: format
format: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) $(VENV)/.stamp-dev ## format all Go and Python files
	$< fmt
	cd $(WORKER) && .venv/bin/ruff format
	cd infra/bench && $(CURDIR)/$(VENV)/bin/ruff format quality

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	@mkdir -p $(TOOLS)
	GOBIN="$(CURDIR)/$(TOOLS)" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv $(TOOLS)/golangci-lint $@

# args bench  RUN=regexp
.PHONY: bench
bench: build worker redis ## what it costs, beside its budgets
	@infra/bench/peers/setup-nchan
	go run ./infra/bench $(if $(RUN),-run '$(RUN)')

# args bench-quality  ARGS="--help"
.PHONY: bench-quality
bench-quality: $(VENV)/.stamp-dev ## how near the engine comes to solids whose surfaces are known
	@PYTHONPATH=$(WORKER):infra/bench exec $(PYTHON) -m quality $(ARGS)

# args bench-web  ARGS=
.PHONY: bench-web
bench-web: build web chromium ## what the page costs a browser: bytes, blocked frames, memory, Lighthouse
	@infra/local/setup/node
	@cd infra/bench/web && npm ci --silent --no-audit --no-fund && exec node bench.js $(ARGS)

# args cost  TASKS=100000
.PHONY: cost
cost: ## what so many tasks a day need and cost; without TASKS, infra/docs/scale.md's three sizes
	@go run ./infra/cloud/cost $(if $(TASKS),-tasks $(TASKS))

.PHONY: clean
clean: ## all that was built or downloaded; running state in .data stays
	rm -rf .build $(VENV)
	find . -name node_modules -type d -prune -exec rm -rf {} +
