# What can be done here; `make` alone lists it. The work itself is in testbed/ and in cargo.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help doctor build test test-fast test-nodes conformance explore lint quickstart quickstart-stop bench crds testbed-up testbed-down clean-cache parts

PHASE := testbed/phase
ROOT := $(filter 0,$(shell id -u))
# As root there is a real node as well, with the parts for it.
NODE := $(if $(ROOT),--node)
PARTS := kubernetes ceph ceph-16 ceph-20 garage helm juicefs keystone minio moto seaweedfs $(if $(ROOT),containerd busybox)
# What the conformance suite has shown, for the table at the end.
RECORD := $(abspath $(or $(CARGO_TARGET_DIR),target))/conformance
# Linked statically, so that the node's Pods take the very programs that were built for the tests.
STATIC = CARGO_BUILD_TARGET=$(shell rustc -vV | sed -n 's/^host: //p') RUSTFLAGS='-C target-feature=+crt-static'
# In CI nobody is there to install what is missing.
INSTALL := $(if $(CI),--install)
# A developer's own cluster and gateway: one for each checkout, outside of it.
CACHE := $(or $(GRACEKEY_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gracekey)
DEV := $(CACHE)/dev-$(firstword $(shell printf %s '$(CURDIR)' | cksum))

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

doctor: ## say what this machine lacks, and how to install it
	@testbed/doctor $(NODE) $(INSTALL)

build: ## build the operator (target/release/gracekey)
	@$(PHASE) "building the operator" cargo build --locked --release --bin gracekey

test: doctor ## everything: lints, the test bed, and all tests, on real servers; a first run builds those
	@$(PHASE) "formatting and lints" $(MAKE) --no-print-directory lint
	@$(PHASE) "building the tests" env $(STATIC) cargo test --locked --workspace --no-run
	@$(PHASE) "parts of the test bed" $(MAKE) --no-print-directory parts
	@$(PHASE) "the test bed itself" testbed/selftest
	@rm -rf $(RECORD)
	@$(PHASE) "tests" env $(STATIC) GRACEKEY_CONFORMANCE_RECORD=$(RECORD) cargo test --locked --workspace -- --test-threads 6
	@testbed/matrix $(RECORD)
	@$(if $(ROOT),,echo "left out, because it needs root: the node level (Pods, Helm, the chart in a cluster)")

conformance: ## the suite on a live system: BACKEND=ceph ENDPOINT=URL CREDENTIALS=FILE [S3=URL REGION=NAME SETTINGS=JSON CA=FILE]
	@env $(STATIC) testbed/conformance '$(BACKEND)' '$(ENDPOINT)' '$(CREDENTIALS)'

test-fast: ## the tests that need no server
	@$(PHASE) "tests without servers" cargo test --locked --workspace --lib --bins

test-nodes: doctor ## two nodes side by side come and go and leave nothing (root)
	@testbed/selftest nodes_side_by_side_leave_nothing

explore: ## walk the planner's states further than `make test` does, for some minutes
	GRACEKEY_EXPLORE=deep cargo test --locked --package gracekey-walk explore -- --nocapture

lint: ## formatting, clippy and shellcheck (where it is installed); warnings are errors
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@if command -v shellcheck >/dev/null; then testbed/lint; else echo "shellcheck is not installed: scripts not checked"; fi

parts: ## build or unpack what the test bed needs, without starting anything
	@testbed/get --leave-out $(PARTS) >/dev/null

quickstart: doctor ## from nothing to a user on a real Ceph gateway, its Secret, and a rotation to watch
	@testbed/quickstart

quickstart-stop: ## stop what quickstart left running
	@testbed/quickstart stop

bench: doctor ## measure rates, latencies and memory on real servers
	@$(MAKE) --no-print-directory parts
	cargo bench --locked --bench operator

crds: ## write crds/ and the chart's copies anew from the types in src/api
	cargo run --locked --quiet --bin gracekey -- crd | \
	  awk '/^---$$/ { close(f); f = ""; t = ""; next } { t = t $$0 "\n" } f { printf "%s", $$0 "\n" > f } \
	       !f && /^  name: / { f = "crds/" $$2 ".yaml"; printf "%s", t > f }'
	cp crds/*.yaml charts/gracekey/files/crds/

testbed-up: doctor ## a control plane and a Ceph gateway of your own, to work against
	@testbed/control-plane up $(DEV) && testbed/ceph up $(DEV)/ceph
	@echo "export KUBECONFIG=$(DEV)/admin.kubeconfig PATH=$$(testbed/get kubernetes)/bin:\$$PATH"
	@echo "# the gateway's address and admin key: $(DEV)/ceph/env"

testbed-down: ## stop and remove them
	@testbed/ceph down $(DEV)/ceph --purge
	@testbed/control-plane down $(DEV) --purge

clean-cache: ## remove what was built for the test bed from the cache
	@testbed/clean
