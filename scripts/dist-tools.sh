#!/usr/bin/env bash
# Installs what `make dist` and `make dist-test` need into .tools: zig, cargo-deb, and qemu from Debian's packages. maturin is
# in .tools/venv (scripts/test-tools.sh). Does nothing when they are there already.
set -euo pipefail
cd "$(dirname "$0")/.."

# The C compiler and linker for other targets. maturin looks for it in PATH, and knows how cargo uses it (cargo-zigbuild).
zig=ziglang==0.17.0
venv=.tools/dist
if [[ ! -f $venv/pin || $(<"$venv/pin") != "$zig" ]]; then
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$zig"
    printf '%s' "$zig" >"$venv/pin"
fi

# Compiled, which takes minutes once: its newest wheel is 2.0.0, which does not read this Cargo.toml.
deb=3.8.0
if [[ $(.tools/bin/cargo-deb --version 2>/dev/null || true) != "cargo-deb $deb" ]]; then
    cargo install --locked --root .tools --version "$deb" --no-default-features --features lzma cargo-deb
fi

# Runs programs for other processors.
if [[ ! -x .tools/bin/qemu-aarch64-static ]] && ! command -v qemu-aarch64-static >/dev/null; then
    scripts/debian-program.sh qemu-user-static qemu-aarch64-static ||
        echo "dist-tools: qemu-user-static cannot be installed; tests that run programs for other processors will be skipped" >&2
fi
