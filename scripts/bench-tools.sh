#!/usr/bin/env bash
# Makes .tools/bench: the Python that the benchmark's script runs on. Does nothing when it is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.tools/bench
pins=(pyarrow==26.0.1 aiohttp==3.14.5 orjson==3.13.0)

stamp=$venv/pins
if [[ -f $stamp && $(<"$stamp") == "${pins[*]}" ]]; then
    exit 0
fi
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "${pins[@]}"
printf '%s' "${pins[*]}" >"$stamp"
