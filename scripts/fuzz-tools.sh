#!/usr/bin/env bash
# Installs cargo-fuzz into .tools, for `make fuzz`. Does nothing when it is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.13.2

if [[ $(.tools/bin/cargo-fuzz --version 2>/dev/null || true) == "cargo-fuzz $version" ]]; then
    exit 0
fi
cargo install --locked --root .tools --version "$version" cargo-fuzz
