# `make` lists what can be made: every target with a comment that begins with two number signs.

.DEFAULT_GOAL := help
.PHONY: help run install uninstall quick test check bench crash drift soak readers reference fuzz tools check-tools fuzz-tools clean

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
SCHEDULES ?= 1000000
SOAK_MINUTES ?= 60
SOAK_RATE ?= 100

help: ## This list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Export the sample contacts from the built-in API into ./export
	cargo build --release
	./target/release/chatzy-export run --simulated --contacts sample_contacts.csv --out ./export

install: ## Install the program, its completions and manual pages below PREFIX (DESTDIR is respected)
	cargo build --release
	scripts/install.sh target/release/chatzy-export "$(DESTDIR)$(PREFIX)"

uninstall: ## Remove what `make install` installed
	scripts/install.sh --uninstall "$(DESTDIR)$(PREFIX)"

quick: ## Format, lints and unit tests: what to run while working
	cargo fmt --all --check
	cargo clippy --all-targets -- -D warnings
	cargo test --lib

test: tools ## All tests
	cargo test # the workspace, but for fuzz and benches/micro, which have no tests

check: tools check-tools ## Format, lints, docs, dependencies, Rust version, spelling
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items
	.tools/bin/cargo-deny --log-level warn check --hide-inclusion-graph licenses bans sources
	.tools/venv/bin/cargo-shear shear --deny-warnings --locked
	scripts/rust-version.sh
	.tools/venv/bin/typos

bench: ## The exporter beside a client that only fetches and a Python script, as ratios; its stages alone
	cargo build --release --bins --examples
	scripts/bench-tools.sh
	.tools/bench/bin/python benches/compare/compare.py --binary target/release/chatzy-export --fetch-only target/release/examples/fetch_only
	cargo bench --package chatzy-export-benches

crash: tools ## The long form of the crash tests: 1,000 random kills, and each call killed and refused in turn
	CRASH_KILLS=1000 CRASH_FAULTS=400 cargo test --test it -- --include-ignored crash:: storage:: system:: resume::

drift: ## The long form of the paging tests: SCHEDULES of chats that change while they are read, on servers of all kinds
	SCHEDULES=$(SCHEDULES) cargo test --release --lib -- --ignored --nocapture a_million_schedules

soak: tools ## The release binary under load and simulated trouble, for SOAK_MINUTES at SOAK_RATE requests a second
	cargo build --release
	.tools/venv/bin/python tests/soak/soak.py --minutes $(SOAK_MINUTES) --rate $(SOAK_RATE)

readers: tools ## Spark 3.5 reads what the exporter writes; needs Java 17
	scripts/reader-tools.sh
	cargo test --test it -- readers::

reference: ## Write the generated sections of docs/reference.md
	UPDATE_DOCS=1 cargo test --lib reference

fuzz: fuzz-tools ## Each fuzz target for FUZZ_SECONDS
	FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz.sh

tools: ## Install what the tests and checks need besides cargo into .tools
	scripts/test-tools.sh

check-tools: tools ## Install cargo-deny and cargo-shear into .tools
	scripts/check-tools.sh

fuzz-tools: ## Install cargo-fuzz into .tools
	scripts/fuzz-tools.sh

clean: ## Remove what was built, the tools and the export of `make run`
	cargo clean
	rm -rf .tools export fuzz/corpus fuzz/artifacts
