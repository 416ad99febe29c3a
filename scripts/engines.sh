#!/usr/bin/env bash
# Runs the tests of shards as tasks of an engine: `engines.sh spark`, `ray` or `airflow`. The engine is installed into .tools, and
# is too large for `make test`: 700 MB, 300 MB and 300 MB.
set -euo pipefail
cd "$(dirname "$0")/.."

engine=$1
case $engine in
spark)
    scripts/reader-tools.sh
    venv=.tools/readers
    ;;
ray) pin=ray==2.60.0 ;;
airflow) pin=apache-airflow==3.3.2 ;;
*)
    echo "engines: $engine is not spark, ray or airflow" >&2
    exit 2
    ;;
esac
if [[ -n ${pin-} ]]; then
    venv=.tools/$engine
    if [[ ! -f $venv/pin || $(<"$venv/pin") != "$pin" ]]; then
        "${PYTHON:-python3}" -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "$pin"
        printf '%s' "$pin" >"$venv/pin"
    fi
fi

cargo build
# The package and the program, as an installer puts them.
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
modules=$prefix/lib/python3/site-packages
mkdir -p "$modules" "$prefix/bin"
ln -s "$PWD/python/chatzy_export" "$modules/"
ln -s "$PWD/target/debug/chatzy-export" "$prefix/bin/"
PYTHONPATH=$modules:$PWD/tests/python "$venv/bin/python" "tests/engines/test_$engine.py"
