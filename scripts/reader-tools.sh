#!/usr/bin/env bash
# Makes .tools/readers: Spark 3.5, with which `make readers` reads exports and `make spark` runs shards. It needs Java 17 and
# takes 700 MB, so `make test` does without it.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.tools/readers
pins=(pyspark==3.5.9 pyarrow==26.0.1 pandas==3.1.1)

if [[ -f $venv/pins && $(<"$venv/pins") == "${pins[*]}" ]]; then
    exit 0
fi
if ! command -v java >/dev/null; then
    echo "reader-tools: Spark needs Java 17" >&2
    exit 1
fi
python=${PYTHON:-python3}
"$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "${pins[@]}"
printf '%s' "${pins[*]}" >"$venv/pins"
