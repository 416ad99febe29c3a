#!/usr/bin/env bash
# Makes .tools/venv: what the tests and checks need besides cargo. Does nothing when it is there already.
#
# The tests read exports back with pyarrow and DuckDB, so that no line of our own reader vouches for our writer. They
# come as Python wheels: the duckdb crate would compile its C++ for many minutes. typos is a wheel too.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.tools/venv
pins=(pyarrow==26.0.1 duckdb==2.0.0 typos==1.52.0)

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
