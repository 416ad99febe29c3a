# `make` lists what can be made: every target with a comment that begins with two number signs.

.DEFAULT_GOAL := help
.PHONY: help run install uninstall quick test check bench bench-against bench-threads crash memory stores evidence drift soak readers warehouses spark ray airflow reference fuzz dist dist-test tools check-tools dist-tools fuzz-tools clean

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
# Highest ratio of CPU in `make bench-against`.
LIMIT ?= 1.1
# Many tests wait, for a server or for the disk, so more of them run at once than there are cores.
TEST_THREADS ?= $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN))
SCHEDULES ?= 1000000
SOAK_MINUTES ?= 60
SOAK_RATE ?= 100
SCRIPTS = python scripts tests/dist tests/python tests/engines tests/it/warehouse examples benches/against
# Static programs. Only those of musl are.
DIST_TARGETS ?= x86_64-unknown-linux-musl aarch64-unknown-linux-musl

help: ## This list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Export the sample contacts from the built-in API into ./export
	cargo build --profile trial
	./target/trial/chatzy-export run --simulated --contacts sample_contacts.csv --out ./export

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
	RUST_TEST_THREADS=$(TEST_THREADS) cargo test --no-fail-fast # the workspace, but for fuzz and benches/micro, which have no tests

check: tools check-tools ## Format, lints, docs, dependencies, Rust version, spelling, scripts, the Python package
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items
	.tools/bin/cargo-deny --log-level warn check --hide-inclusion-graph licenses bans sources
	.tools/venv/bin/cargo-shear shear --deny-warnings --locked
	scripts/rust-version.sh
	.tools/venv/bin/typos
	.tools/venv/bin/shellcheck scripts/*.sh .ci/run tests/fixtures/make.sh
	.tools/venv/bin/ruff check $(SCRIPTS)
	.tools/venv/bin/ruff format --check $(SCRIPTS)
	.tools/venv/bin/mypy

bench: ## The exporter beside a client that only fetches and a Python script, as ratios; its stages alone
	cargo build --release --bins --examples
	scripts/bench-tools.sh
	.tools/bench/bin/python benches/compare/compare.py --binary target/release/chatzy-export --fetch-only target/release/examples/fetch_only
	cargo bench --package chatzy-export-benches

bench-against: ## Ratios of CPU and time to another binary, BINARY=path, such as that of the previous release; fails above LIMIT
	@test -x "$(BINARY)" || { echo "give the program to compare with: make bench-against BINARY=path/to/chatzy-export"; exit 2; }
	cargo build --release
	python3 benches/against/against.py --limit $(LIMIT) --other "$(BINARY)"

bench-threads: ## Cost and gain of `--threads`, the CPU time of each stage, and a model of more cores
	cargo build --release
	python3 benches/against/threads.py

crash: tools ## The long form of the crash tests: 1,000 random kills, and each call killed and refused in turn
	CRASH_KILLS=1000 CRASH_FAULTS=400 cargo test --test it -- --include-ignored crash:: storage:: system:: resume:: erase::interrupted::

memory: ## The long form of the tests of memory: texts as long as responses can be, and more contacts
	MEMORY_DIVISOR=1 SNAPSHOT_MEGABYTES=600 SNAPSHOT_CONTACTS=100000 cargo test --test it -- memory::

stores: tools ## The long form of the tests of object stores: kills at every request, 200 random kills, 500 races of two runs
	STORE_KILLS=200 STORE_RACES=500 cargo test --test it -- --include-ignored stores::

evidence: tools ## The long form of the tests of evidence packages, with LibreOffice
	scripts/evidence-tools.sh --office
	cargo test --test it -- --include-ignored evidence:: signature:: timestamp::

drift: ## The long form of the paging tests: SCHEDULES of chats and of lists that change while they are read, on servers of all kinds
	SCHEDULES=$(SCHEDULES) cargo test --release --lib -- --ignored --nocapture a_million_schedules a_million_lists

soak: tools ## The release binary under load and simulated trouble, for SOAK_MINUTES at SOAK_RATE requests a second
	cargo build --release
	.tools/venv/bin/python tests/soak/soak.py --minutes $(SOAK_MINUTES) --rate $(SOAK_RATE)

readers: tools ## All readers open table folders, also Spark 3.5 and Spark 4; needs Java 17
	scripts/reader-tools.sh
	cargo test --test it -- --include-ignored readers::

warehouses: tools ## All databases load exports in every way, as DuckDB and PostgreSQL do in `make test`; Spark needs Java 17
	CRAFTED_EVERY=1 cargo test --test it -- --include-ignored warehouse:: crafted::

spark: tools ## Shards as tasks of Spark 3.5, on two workers on loopback: killed, hung and cancelled; needs Java 17
	scripts/engines.sh spark

ray: tools ## Shards as tasks of Ray: killed and cancelled
	scripts/engines.sh ray

airflow: tools ## Airflow parses the example with mapped tasks, and runs it
	scripts/engines.sh airflow

reference: ## Write the generated sections of docs/reference.md
	UPDATE_DOCS=1 cargo test --lib reference

fuzz: fuzz-tools ## Each fuzz target for FUZZ_SECONDS
	FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz.sh

dist: tools dist-tools ## The packages of a release in dist/: archive, .deb and wheel for each of DIST_TARGETS, SHA256SUMS
	DIST_TARGETS="$(DIST_TARGETS)" scripts/dist.sh

dist-test: dist ## Install the packages in dist/ into fresh places, and run them
	DIST_TARGETS="$(DIST_TARGETS)" .tools/venv/bin/python tests/dist/test_packages.py

tools: ## Install what the tests and checks need besides cargo into .tools
	scripts/test-tools.sh
	scripts/store-tools.sh
	scripts/warehouse-tools.sh
	scripts/evidence-tools.sh

check-tools: tools ## Install cargo-deny, cargo-shear, ruff, mypy and shellcheck into .tools
	scripts/check-tools.sh

dist-tools: ## Install zig, cargo-deb and qemu into .tools
	scripts/dist-tools.sh

fuzz-tools: ## Install cargo-fuzz into .tools
	scripts/fuzz-tools.sh

clean: ## Remove what was built, the tools and the export of `make run`
	cargo clean
	rm -rf .tools dist export fuzz/corpus fuzz/artifacts
