# The commands of this repository. `make` alone lists them. Plain cargo commands work too.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# One target folder per user, so that fresh clones do not compile the language model engine again.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/secondme/target
# Options passed on: `make run ARGS="--listen 127.0.0.1:9000"`, `make test ARGS="oauth"`, `make bench ARGS=…`
ARGS ?=

XTASK := cargo run --quiet --package xtask --
# The debug binary as `cargo test --workspace` builds it: the same features, so nothing is compiled twice.
SECONDME := $(CARGO_TARGET_DIR)/debug/secondme
SMALL_MODEL := smollm2-135m
# What speech needs; without it the tests of real speech are left out.
SPEECH_MODEL := kokoro-82m kokoro-voices onnxruntime

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## build and start the server with the demo world, data in ./data
	@scripts/setup.sh build
	@scripts/checkout.sh
	cargo run --release --package secondme-server --bin secondme -- serve --demo $(ARGS)

.PHONY: test
test: ## run every test, on SQLite and PostgreSQL, and those with a small real model if it can be had
	@scripts/setup.sh test
	@scripts/checkout.sh
	cargo test --workspace --no-fail-fast $(ARGS)
	@if $(SECONDME) model pull $(SMALL_MODEL); then \
	    $(MAKE) test-model; \
	elif [ "$${SECONDME_REQUIRE_SERVICES:-}" = 1 ]; then \
	    echo "make test: $(SMALL_MODEL) could not be fetched, and it is required here" >&2; exit 1; \
	else \
	    echo "make test: skipped the tests with a real model: $(SMALL_MODEL) could not be fetched" >&2; \
	fi

.PHONY: test-model
test-model: ## run the tests that need a real language model (fetches a small one, 98 MB, once)
	@scripts/setup.sh build
	@scripts/checkout.sh
	cargo test --workspace --no-run --quiet
	$(SECONDME) model pull $(SMALL_MODEL)
	$(SECONDME) model pull e5-small
	cargo test --workspace --test real_model -- --ignored
	@if for part in $(SPEECH_MODEL); do $(SECONDME) model pull $$part || exit 1; done; then \
	    cargo test --workspace --test real_speech -- --ignored; \
	elif [ "$${SECONDME_REQUIRE_SERVICES:-}" = 1 ]; then \
	    echo "make test-model: the files of speech could not be fetched, and they are required here" >&2; exit 1; \
	else \
	    echo "make test-model: skipped the tests of real speech: its files could not be fetched" >&2; \
	fi
	cargo test --workspace --test it -- --ignored real_model --skip answers_in_a_new_session

.PHONY: test-facts
test-facts: ## ask the default model for ten facts told in another session (fetches it and the embedder, 563 MB, once)
	@scripts/setup.sh build
	@scripts/checkout.sh
	cargo test --workspace --no-run --quiet
	$(SECONDME) model pull qwen2.5-0.5b
	$(SECONDME) model pull e5-small
	cargo test --workspace --test it -- --ignored answers_in_a_new_session

.PHONY: test-cluster
test-cluster: ## three processes on PostgreSQL and NATS, killed at random under 2,000 writes (SECONDME_CLUSTER_WRITES)
	@scripts/setup.sh test
	@scripts/checkout.sh
	cargo test --workspace --test it -- --ignored --nocapture cluster::nodes_that_die

.PHONY: check-deploy
check-deploy: ## check deploy/ with promtool, systemd-analyze, nginx, hadolint and docker, as far as they are installed
	@scripts/check-deploy.sh

.PHONY: soak
soak: ## half an hour of everything against a release build: does it grow? (MINUTES=30)
	@scripts/setup.sh build
	@scripts/checkout.sh
	cargo run --release --package xtask --features bench -- bench --only soak --minutes $(or $(MINUTES),30) $(ARGS)

.PHONY: bench-scale
bench-scale: ## what requests cost on PostgreSQL, on one node and on two: processor time, statements, transactions
	@scripts/setup.sh test
	@scripts/checkout.sh
	cargo run --release --package xtask --features bench -- bench --only scale $(ARGS)

.PHONY: crash-matrix
crash-matrix: ## kill -9 on SQLite 10,000 times: 7,000 the bare store, 3,000 the whole server (SECONDME_CRASHES, SECONDME_SEED)
	@scripts/setup.sh build
	@scripts/checkout.sh
	SECONDME_CRASHES=$${SECONDME_CRASHES:-7000} cargo test --workspace --test it -- --nocapture an_acknowledged_commit_survives
	SECONDME_CRASHES=$${SECONDME_CRASHES:-3000} cargo test --workspace --test it -- --nocapture what_was_answered_survives

.PHONY: test-upgrade
test-upgrade: ## nodes of an older binary (OLD=path) replaced one by one by this version, under writes
	@scripts/setup.sh test
	@scripts/checkout.sh
	SECONDME_OLD_BINARY=$(OLD) cargo test --workspace --test it -- --ignored --nocapture an_older_version_is_replaced

.PHONY: check
check: ## check format, lints, the layers and the generated files
	cargo fmt --all --check
	@scripts/setup.sh build
	@scripts/checkout.sh
	cargo clippy --workspace --all-targets -- -D warnings
	$(XTASK) layers
	cargo test --workspace --no-run --quiet
	$(XTASK) gen --check --bin $(SECONDME)

.PHONY: gen
gen: ## write docs/generated/ anew from the code
	@scripts/setup.sh build
	@scripts/checkout.sh
	cargo test --workspace --no-run --quiet
	$(XTASK) gen --bin $(SECONDME)

.PHONY: e2e
e2e: ## play the stories of e2e/ in Chromium (installs it when absent); pictures of every page in target/e2e
	@scripts/setup.sh e2e
	@scripts/checkout.sh
	cargo test --workspace --no-run --quiet
	cd e2e && npm ci --no-audit --no-fund --loglevel=error
	rm -rf $(CARGO_TARGET_DIR)/e2e
	cd e2e && SECONDME_BIN=$(SECONDME) E2E_SHOTS=$(CARGO_TARGET_DIR)/e2e npm test $(ARGS)
	@echo "pictures of the pages: $(CARGO_TARGET_DIR)/e2e"

.PHONY: bench
bench: ## measure this machine
	@scripts/setup.sh build
	@scripts/checkout.sh
	cargo run --release --package xtask --features bench -- bench $(ARGS)

.PHONY: bench-realtime
bench-realtime: ## measure visitors' sockets beside Node's ws and a bare tokio-tungstenite server (minutes; needs node and npm)
	@$(MAKE) bench ARGS="--only realtime $(ARGS)"

.PHONY: fuzz
fuzz: ## fuzz the reader of actionControl texts for a minute (needs the nightly compiler; ARGS="-max_total_time=600")
	@command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz
	mkdir -p $(CARGO_TARGET_DIR)/fuzz-corpus/shape
	python3 fuzz/seeds.py crates/shape/tests/corpus $(CARGO_TARGET_DIR)/fuzz-corpus/shape
	cargo +nightly fuzz run --fuzz-dir fuzz --target-dir $(CARGO_TARGET_DIR)/fuzz shape \
	    $(CARGO_TARGET_DIR)/fuzz-corpus/shape -- -max_total_time=60 -timeout=10 -max_len=8000 $(ARGS)

.PHONY: bench-memory
bench-memory: ## measure how well and how fast memories are found (needs the LoCoMo data beside the repository, or DATA=path)
	@scripts/setup.sh build
	@scripts/checkout.sh
	cargo run --release --package secondme-server --bin secondme -- model pull e5-small || echo "without an embedder"
	cargo run --release --package xtask --features bench -- bench --only recall,memory-speed $(if $(DATA),--data $(DATA)) $(ARGS)

.PHONY: clean-data
clean-data: ## delete ./data: accounts, memories, the server's keys, everything (models stay in their cache)
	rm -rf data
