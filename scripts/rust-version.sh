#!/usr/bin/env bash
# Holds that `rust-version` in Cargo.toml is enough: no dependency asks for a newer Rust. Clippy's lint `incompatible_msrv`
# holds the same of the standard library. Where that very toolchain is installed, it compiles the program too.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(rustc -vV | sed -n 's/^host: //p')
cargo metadata --format-version 1 --locked --filter-platform "$target" | "${PYTHON:-python3}" -c '
import json, sys

def version(text):
    return tuple(int(part) for part in (text or "0").split("."))[:2]

packages = json.load(sys.stdin)["packages"]
ours = next(package for package in packages if package["name"] == "chatzy-export")["rust_version"]
newer = [package for package in packages if version(package["rust_version"]) > version(ours)]
for package in newer:
    name, needed = package["name"], package["rust_version"]
    print(f"rust-version.sh: {name} needs Rust {needed}, and Cargo.toml promises {ours}", file=sys.stderr)
sys.exit(1 if newer else 0)
'

promised=$(sed -n 's/^rust-version = "\([^"]*\)".*/\1/p' Cargo.toml)
if command -v rustup >/dev/null && rustup toolchain list | grep -q "^$promised"; then
    cargo "+$promised" check --locked
fi
