#!/usr/bin/env bash
# Runs the fuzz targets for a bounded time each, and fails on the first finding: `fuzz.sh [TARGET…]`, all by default.
#
#   FUZZ_SECONDS   how long each target runs (60)
#
# A finding is kept in fuzz/artifacts/<target>/. When it is mended, it goes into fuzz/regressions/<target>/ under a name
# that says what it shows, and `cargo test` replays it.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-60}
# The sanitizers of rustc need a nightly, and there is no `unsafe` in the exporter for them to watch. Coverage, which
# the fuzzer lives on, is a stable option: so any toolchain will do.
build=(--sanitizer none --target-dir fuzz/target)
# The coverage counters of libFuzzer do not link with the workspace's thin LTO.
export CARGO_PROFILE_RELEASE_LTO=off
# Memory: what libFuzzer sees in use, and what may be asked for at all. The exporter promises 512 MiB for any input;
# room on top is for the fuzzer itself.
resident_mib=512
address_space_kib=$((2 << 20))
# Longer than this for inputs of a few kilobytes is a hang.
unit_seconds=10

export PATH="$PWD/.tools/bin:$PATH"

targets=("$@")
if ((${#targets[@]} == 0)); then
    for folder in fuzz/seeds/*/; do
        targets+=("$(basename "$folder")")
    done
fi

cargo fuzz build "${build[@]}"
# The programs are run as they are: under the limits below cargo could not build anew.
built=fuzz/target/$(rustc -vV | sed -n 's/^host: //p')/release
# A spool goes over a disk: in memory many more are tried.
if [[ -z ${TMPDIR:-} && -w /dev/shm ]]; then
    export TMPDIR=/dev/shm
fi
ulimit -v "$address_space_kib"
for target in "${targets[@]}"; do
    corpus=fuzz/corpus/$target
    artifacts=fuzz/artifacts/$target
    known=(fuzz/seeds/"$target")
    if [[ -d fuzz/regressions/$target ]]; then
        known+=(fuzz/regressions/"$target")
    fi
    mkdir -p "$corpus" "$artifacts"
    log=fuzz/artifacts/$target.log
    echo "fuzz: $target for $seconds s"
    if ! "$built/$target" "$corpus" "${known[@]}" \
        -artifact_prefix="$artifacts/" -max_total_time="$seconds" -timeout="$unit_seconds" -rss_limit_mb="$resident_mib" \
        -max_len=16384 -dict=fuzz/words.dict -print_final_stats=1 >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        echo "fuzz: $target broke a promise; the input is in $artifacts, the log in $log" >&2
        exit 1
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    cover=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1)
    echo "fuzz: $target: $runs inputs, $cover, nothing found"
done
