# Lumbung. `make` lists what there is to make.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# One goal after the other: the Swift build folder is locked while it is used.
.NOTPARALLEL:

PYTHON ?= python3
SWIFT ?= swift
FORMATTED := Package.swift Sources Tests Benchmarks/HotParts Benchmarks/lumbung-bench
# Python leaves no compiled files behind in the source tree.
export PYTHONDONTWRITEBYTECODE := 1

# Warnings are errors where we work on the code; a newer compiler's new warning must not stop a build in the field.
STRICT := -Xswiftc -warnings-as-errors
# One file to copy to the box: nothing of Swift's has to be installed there.
RELEASE := -c release --static-swift-stdlib

# File systems that lose their power have to be mounted.
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo)

# FOR=60s bounds the demonstration, and the fuzzing of each decoder. KILLS, RATE and LONG=1 are those of Tests/EndToEnd;
# LONG=1 is that of faults and box, too.
FOR ?=
export FOR

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: ## Install what is missing of Tools/packages.txt (Debian; asks for sudo only then)
	@Tools/install-packages

.PHONY: build
build: install ## Build lumbung and lumbung-central, ready to ship (.build/release)
	$(SWIFT) build $(RELEASE) --product lumbung
	$(SWIFT) build $(RELEASE) --product lumbung-central

.PHONY: test
test: install lint test-tools test-units test-whole guard test-faults ## Everything that must hold: tests, instruction counts, faults

.PHONY: lint
lint: ## Check the format of the Swift code
	$(SWIFT) format lint --strict --recursive --parallel $(FORMATTED)

.PHONY: test-units
test-units: ## Swift unit tests, warnings as errors
	$(SWIFT) build --build-tests $(STRICT)
	$(SWIFT) test --skip-build $(STRICT)

.PHONY: test-tools
test-tools: ## Tests of the checking programs in Tools
	$(PYTHON) -m unittest discover -s Tools -p 'test_*.py'
	$(PYTHON) -m unittest discover -s Benchmarks -p 'test_*.py'

.PHONY: test-whole
test-whole: build ## End-to-end tests against the built programs (LONG=1 for the long form)
	$(PYTHON) -m unittest discover -v -s Tests/EndToEnd -p 'test_*.py'

.PHONY: test-confined
test-confined: build ## Unit and end-to-end tests on one core with 512 MiB, as on the smallest box (root; the build has all)
	$(SWIFT) build --build-tests $(STRICT)
	Tools/confined .build/debug/lumbungPackageTests.xctest --testing-library swift-testing
	Tools/confined $(PYTHON) -m unittest discover -s Tests/EndToEnd -p 'test_*.py'

.PHONY: guard
guard: install ## Instructions of the hot parts against Benchmarks/instructions.json (RECORD=1 writes it; MANY=1: 50,000 devices)
	$(SWIFT) build $(RELEASE) --product lumbung-bench
	$(PYTHON) Benchmarks/guard.py $(if $(filter-out 0,$(RECORD)),--record) $(if $(filter-out 0,$(MANY)),--many)

.PHONY: faults
faults: build ## Power cuts, kills, full disks, crash states, flipped bits (root; LONG=1 for hours; see docs/faults.md)
	$(SWIFT) build $(RELEASE) --product lumbung-faults
	$(AS_ROOT) Tools/faults $(if $(filter-out 0,$(LONG)),--long)

.PHONY: test-faults
test-faults: build ## The faults, in their short form: under six minutes (root)
	$(SWIFT) build $(RELEASE) --product lumbung-faults
	$(AS_ROOT) Tools/faults --quick

.PHONY: fuzz
fuzz: install ## Fuzz every decoder under the address sanitizer, each for FOR=60s
	FOR=$(or $(FOR),60s) Tools/fuzz/run

.PHONY: install-box
install-box: install
	@Tools/install-packages --box

.PHONY: deb
deb: install-box build ## Build the Debian packages, with their lists of parts (.build/deb)
	Tools/deb

.PHONY: box
box: deb ## Test the packages on a Debian box with a real systemd (needs root; LONG=1 for 1,000 power cuts)
	$(AS_ROOT) Tests/Box/run.py $(if $(filter-out 0,$(LONG)),--long)

.PHONY: monitoring
monitoring: install-box build ## Metrics, dashboard and alert rules against a real Prometheus
	$(PYTHON) -m unittest discover -v -s Tests/Monitoring -p 'test_*.py'

.PHONY: servers
servers: install build ## The way out against InfluxDB, VictoriaMetrics, NATS and RabbitMQ, and over a slow link (needs root)
	@Tools/install-packages --servers
	SERVERS=1 $(PYTHON) -m unittest discover -v -s Tests/EndToEnd -p 'test_uplinks_s*.py'

.PHONY: soak
soak: build ## An hour (or FOR=10m) of 500 devices at 100 messages a second: memory, processor, files and threads
	$(PYTHON) Tools/soak.py

.PHONY: demo
demo: build ## Run a district on this machine until Ctrl-C, or FOR=60s with faults and an account at the end
	@$(PYTHON) Tools/demo.py

.PHONY: bench
bench: install-bench build ## Compare with the floor and with peers on this machine (an hour; ARGS=--quick: minutes)
	$(SWIFT) build $(RELEASE) --product lumbung-bench
	$(PYTHON) Benchmarks/bench.py $(ARGS)

# From PyPI, in a folder of its own.
THINGSBOARD := .build/benchmarks/thingsboard

.PHONY: install-bench
install-bench: install
	@Tools/install-packages --bench
	@test -x $(THINGSBOARD)/bin/thingsboard-gateway || { \
	  /usr/bin/python3 -m venv $(THINGSBOARD) && $(THINGSBOARD)/bin/pip install --quiet thingsboard-gateway==3.8.5; }

.PHONY: format
format: ## Format the Swift code in place
	$(SWIFT) format --in-place --recursive --parallel $(FORMATTED)

.PHONY: clean
clean: ## Remove what was built
	rm -rf .build demo-output
	find Tools Tests Benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
