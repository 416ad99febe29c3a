#!/usr/bin/env bash
# Makes .tools/venv: what the tests and checks need besides cargo. Does nothing when it is there already.
#
# The tests read exports back with pyarrow, pandas, fastparquet and DuckDB, so that no line of our own reader vouches for our writer. They
# come as Python wheels: the duckdb crate would compile its C++ for many minutes. duckdb-cli, its shell, typos and
# maturin are wheels too.
set -euo pipefail
cd "$(dirname "$0")/.."

# Tests that trace system calls are skipped, and say so, where there is no strace.
if ! command -v strace >/dev/null && [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    { apt-get update -qq && apt-get install -qq -y strace; } >/dev/null 2>&1 ||
        echo "test-tools: strace cannot be installed; the tests that trace system calls will be skipped" >&2
fi

# Tests that load exports into PostgreSQL start a server of their own.
if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && ! command -v initdb >/dev/null &&
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql; } \
        >/dev/null 2>&1 ||
        echo "test-tools: PostgreSQL cannot be installed; the tests that load into it will be skipped" >&2
fi

scripts/example-tools.sh

venv=.tools/venv
pins=(pyarrow==26.0.1 duckdb==2.0.0 duckdb-cli==1.5.6 fastparquet==2026.9.0 pandas==3.1.1 typos==1.52.0 maturin==1.16.0)

stamp=$venv/pins
if [[ -f $stamp && $(<"$stamp") == "${pins[*]}" ]]; then
    exit 0
fi
python=${PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
    echo "test-tools: $python is needed (3.10 or later), with its venv module" >&2
    exit 1
fi
"$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "${pins[@]}"
printf '%s' "${pins[*]}" >"$stamp"
