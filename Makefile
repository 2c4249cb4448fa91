# Every target installs what it needs first (deploy/setup.sh); `make help` lists them.

CARGO  ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
# Where tests keep the files of their worlds: origins sync every write, and a disk that a build keeps busy takes seconds for it.
SCRATCH := $(shell test -w /dev/shm && echo /dev/shm || echo /tmp)
# Where Debian keeps nginx.
export PATH := $(PATH):/usr/sbin

.DEFAULT_GOAL := help
.PHONY: help setup setup-run setup-test setup-bench build run test load fuzz lint check-scripts doc audit bench bench-readme \
	bench-load bench-ring instructions instructions-dev

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do \
		printf '  make %-16s %s\n' "$$name" "$$what"; done

setup: setup-bench ## install everything that any target needs, from Debian's packages

setup-run setup-test setup-bench: setup-%:
	@deploy/setup.sh $*

build: setup-run ## build the release binaries
	$(CARGO) build --release -p proxima -p proxima-origin -p proxima-local --bins

# Not the release profile: a newcomer's first build takes 5 to 6 minutes this way instead of 7 to 8, on 2 cores.
run: setup-run ## start three regions on this machine
	$(CARGO) build --profile quick -p proxima -p proxima-origin -p proxima-local --bins
	$(TARGET)/quick/proxima-local $(ARGS)

test: setup-test ## run all tests
	$(CARGO) build --workspace --bins
	$(CARGO) test --workspace --doc
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		set -x; TMPDIR=$(SCRATCH) $(CARGO) nextest run --workspace $(ARGS); \
	else \
		set -x; TMPDIR=$(SCRATCH) $(CARGO) test --workspace --bins --lib --tests $(ARGS); \
	fi

# Make itself exits with 2 whatever the script's code was; it prints the code, which is 99 when a threshold was missed.
SCRIPT ?=
load: setup-run ## run the load scripts against three regions on this machine (SCRIPT=smoke: only that one)
	$(CARGO) build --profile quick -p proxima -p proxima-origin -p proxima-local -p proxima-load --bins
	@PATH="$(abspath $(TARGET))/quick:$$PATH" TMPDIR=$(SCRATCH) loadtest/run-scripts $(SCRIPT) -- $(ARGS)

# Without a sanitizer: no code of ours is unsafe, so stable Rust will do, and inputs are tried faster.
SECONDS ?= 30
fuzz: setup-run ## look for input that breaks a parser, SECONDS=30 for each (needs cargo-fuzz)
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { \
		echo 'fuzz: cargo-fuzz is not installed (cargo install cargo-fuzz --locked)' >&2; exit 1; }
	cd proxy && $(CARGO) fuzz build --sanitizer none
	@cd proxy && for target in $$($(CARGO) fuzz list); do \
		mkdir -p fuzz/corpus/$$target && (set -x; $(CARGO) fuzz run --sanitizer none $$target fuzz/corpus/$$target \
			fuzz/seeds/$$target -- -max_total_time=$(SECONDS) -timeout=10 -print_final_stats=1 $(ARGS)) || exit 1; \
	done

lint: setup-run check-scripts ## check format, clippy, load scripts, documentation, and licences and sources of dependencies
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(MAKE) --no-print-directory doc
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		set -x; $(CARGO) deny check bans licenses sources; \
	else \
		echo 'lint: SKIPPED licences and sources of dependencies: cargo-deny is not installed (cargo install cargo-deny)'; \
	fi

SCRIPTS := loadtest/scripts
check-scripts: setup-test $(SCRIPTS)/node_modules/.package-lock.json ## check the types of the load scripts
	cd $(SCRIPTS) && npm run --silent check

$(SCRIPTS)/node_modules/.package-lock.json: $(SCRIPTS)/package-lock.json
	cd $(SCRIPTS) && npm ci --silent --no-audit --no-fund && touch node_modules/.package-lock.json

doc: setup-run ## build the code's documentation
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' $(CARGO) doc --workspace --no-deps --document-private-items

# Apart from lint, since its outcome changes with the advisories of the day and not with the code.
audit: ## look for known vulnerabilities in dependencies (needs cargo-deny and the network)
	$(CARGO) deny check advisories

# About 35 minutes; `make bench ARGS='--figure hits --tier l1 --mode https'` takes two.
bench: setup-bench ## compare with nginx, haproxy, Varnish, Traffic Server and Squid, side by side
	$(CARGO) build --release -p proxima -p proxima-load --bins
	$(TARGET)/release/proxima-peers --out $(TARGET)/peers.json --plots $(TARGET)/peers-plots $(ARGS)

bench-readme: setup-run ## put what `make bench` measured last into README.md
	$(CARGO) build --release -p proxima-load --bin proxima-peers
	$(TARGET)/release/proxima-peers --from $(TARGET)/peers.json --plots loadtest/peers/plots --update-readme README.md

bench-load: setup-bench ## compare the load generator with wrk, hey and h2load, side by side
	$(CARGO) build --release -p proxima-load --bins
	$(TARGET)/release/proxima-generators --out $(TARGET)/generators.json $(ARGS)

bench-ring: setup-bench ## compare ways to ask a memcached node
	$(CARGO) bench -p proxima --features bench --bench ring_client

# The release build as `make bench` makes it, the other one as `make test` does: what is there is not built again.
instructions: setup-test ## compare instructions per request with their budget (ARGS=--record: record them)
	$(CARGO) build --release -p proxima -p proxima-load --bins
	$(TARGET)/release/proxima-instructions $(ARGS)
	@$(MAKE) --no-print-directory instructions-dev

instructions-dev: setup-test ## the same for what tests run, in a fraction of the time to build
	$(CARGO) build --workspace --bins
	$(TARGET)/debug/proxima-instructions $(ARGS)
