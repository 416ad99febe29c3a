# What a person needs here: make run (try it), make test, make check.

.PHONY: run test check tools check-tools clean

run: ## Export the sample contacts from the built-in API into ./export
	cargo build --release
	./target/release/chatzy-export run --simulated --contacts sample_contacts.csv --out ./export

test: tools ## All tests
	cargo test

check: tools check-tools ## Format, lints, docs, dependency policy, spelling
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items
	.tools/bin/cargo-deny --log-level warn check licenses bans sources
	.tools/venv/bin/typos

tools: ## What the tests and checks need besides cargo, in .tools
	scripts/test-tools.sh

check-tools: ## cargo-deny, compiled once, in .tools
	scripts/check-tools.sh

clean: ## Remove what was built, the tools and the export of `make run`
	cargo clean
	rm -rf .tools export
