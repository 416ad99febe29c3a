#!/usr/bin/env bash
# Builds the packages of a release into dist/: an archive, a .deb and a wheel for each target, and SHA256SUMS of all of them.
# dist/ changes only when everything is built.
#
#   DIST_TARGETS   targets of rustc whose programs are static, such as x86_64-unknown-linux-musl
set -euo pipefail
cd "$(dirname "$0")/.."

read -ra targets <<<"$DIST_TARGETS"

fail() {
    echo "dist: $1" >&2
    exit 1
}

# All targets can be built, or nothing is.
lacking=()
for target in "${targets[@]}"; do
    [[ $target == *-linux-musl ]] || fail "$target is not a target of musl, whose programs are static"
    [[ -d $(rustc --print target-libdir --target "$target") ]] || rustup target add "$target" || lacking+=("$target")
done
if ((${#lacking[@]} > 0)); then
    fail "this Rust has no standard library for ${lacking[*]}, and rustup cannot install it; to build the others only, set DIST_TARGETS"
fi

# The same commit gives the same packages: times are those of the commit, and panics name files without the folders of this machine.
# zig links programs to a fixed address if not asked otherwise.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$PWD=/chatzy-export -Clink-arg=-pie"
CARGO_TARGET_DIR=$PWD/target
PATH=$PWD/.tools/dist/bin:$PATH
export SOURCE_DATE_EPOCH RUSTFLAGS CARGO_TARGET_DIR PATH

work=target/packages
rm -rf "$work"
mkdir -p "$work/out"

# maturin compiles the program, once, and makes the wheel of it. A static program runs beside any C library: one wheel has both tags.
generator=
for target in "${targets[@]}"; do
    .tools/venv/bin/maturin build --profile dist --target "$target" --zig --auditwheel check \
        --compatibility manylinux2014 musllinux_1_1 --out "$work/out"
    .tools/venv/bin/python scripts/wheel-paths.py "$work/out"/*_"${target%%-*}".whl
    if [[ -z $generator ]] && "target/$target/dist/chatzy-export" --version >/dev/null 2>&1; then
        generator=target/$target/dist/chatzy-export
    fi
done
if [[ -z $generator ]]; then
    # None runs on this machine.
    env --unset=RUSTFLAGS cargo build --release --locked
    generator=target/release/chatzy-export
fi

for target in "${targets[@]}"; do
    archive=$(scripts/archive.sh "target/$target/dist/chatzy-export" "$target" "$work/out" "$generator")
    # The .deb takes its files from the archive; Cargo.toml lists them. dpkg has checksums of its own.
    rm -rf "$work/share"
    tar --extract --file "$archive" --directory "$work" --strip-components 1 --exclude '*/SHA256SUMS' --wildcards '*/share'
    .tools/bin/cargo-deb --no-build --no-strip --quiet --target "$target" --output "$work/out/"
done

(cd "$work/out" && sha256sum -- * >SHA256SUMS)
rm -rf dist
mv "$work/out" dist
ls -l dist
