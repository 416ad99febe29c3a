#!/usr/bin/env bash
# Makes .tools/readers: Spark 3.5, with which `make readers` reads an export. It needs Java 17 and takes 400 MB, so
# `make test` does without it.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.tools/readers
pin=pyspark==3.5.9

if [[ -f $venv/pin && $(<"$venv/pin") == "$pin" ]]; then
    exit 0
fi
if ! command -v java >/dev/null; then
    echo "reader-tools: Spark needs Java 17" >&2
    exit 1
fi
python=${PYTHON:-python3}
"$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "$pin"
printf '%s' "$pin" >"$venv/pin"
