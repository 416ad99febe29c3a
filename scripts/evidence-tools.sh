#!/usr/bin/env bash
# Makes .tools/evidence: programs that check evidence packages. Does nothing when they are there already. What cannot be installed is
# reported, and the tests that need it are skipped, and say so.
#
#   .tools/evidence/venv       bagit (Library of Congress), jsonschema
#   .tools/evidence/chromium   Chromium without a window, with fonts for Arabic, Devanagari, CJK and emoji: 310 MB
#
# Chromium comes from packages of Debian, which are unpacked and not installed. With the argument `--office`, LibreOffice Calc without a
# window is installed, too (350 MB, as root).
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$PWD/.tools/evidence
system=$(uname -m)-linux-gnu
pins=(bagit==1.9.0 jsonschema==4.26.0)

missing() {
    echo "evidence-tools: $1 cannot be installed; the tests that need it will be skipped" >&2
}

checkers() {
    local venv=$tools/venv stamp=$tools/venv/pins
    if [[ -f $stamp && $(<"$stamp") == "${pins[*]}" ]]; then
        return
    fi
    "${PYTHON:-python3}" -m venv "$venv" || return 1
    "$venv/bin/pip" install --quiet --disable-pip-version-check "${pins[@]}" || return 1
    printf '%s' "${pins[*]}" >"$stamp"
}

# Unpacks packages of Debian with those that they depend on and that this machine lacks: unpacked FOLDER PACKAGE...
unpacked() {
    local folder=$1 packages=("${@:2}") stamp=$1/packages
    if [[ -f $stamp && $(<"$stamp") == "${packages[*]}" ]]; then
        return
    fi
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
    local staged=$folder.new
    rm -rf "$folder" "$staged"
    mkdir -p "$staged" || return 1
    (
        cd "$staged" || exit 1
        closure() { apt-get install --simulate --no-install-recommends "${packages[@]}" | awk '$1 == "Inst" { print $2 }'; }
        all=$(closure) || { apt-get update -qq && all=$(closure); } || exit 1
        # A package that the machine has already is no part of the closure, but its files are needed here.
        mapfile -t all < <(printf '%s\n' "$all" "${packages[@]}" | sort -u)
        apt-get download -qq "${all[@]}" || { apt-get update -qq && apt-get download -qq "${all[@]}"; } || exit 1
        for package in ./*.deb; do
            dpkg -x "$package" . || exit 1
            rm "$package"
        done
        rm -rf usr/share/doc usr/share/locale usr/share/man
    ) >/dev/null 2>&1 || return 1
    printf '%s' "${packages[*]}" >"$staged/packages"
    mv "$staged" "$folder"
}

# Writes a script that starts an unpacked program with its libraries and fonts: launcher FOLDER NAME PROGRAM LIBRARIES...
# LIBRARIES are folders with further libraries.
launcher() {
    local libraries="\$folder/usr/lib/$system:\$folder/lib/$system" library
    for library in "${@:4}"; do
        libraries+=":\$folder/usr/lib/$library"
    done
    local folder=$1 script=$1/bin/$2
    mkdir -p "$folder/bin"
    # Fonts of the machine are left out, so that pages look the same everywhere.
    cat >"$folder/fonts.conf" <<'FONTS'
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
FONTS
    cat >"$script" <<SCRIPT
#!/bin/sh
folder=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
export LD_LIBRARY_PATH="$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
export FONTCONFIG_FILE="\$folder/fonts.conf"
exec "\$folder/$3" "\$@"
SCRIPT
    chmod +x "$script"
}

chromium() {
    unpacked "$tools/chromium" chromium-headless-shell \
        fonts-dejavu-core fonts-hosny-amiri fonts-lohit-deva fonts-wqy-microhei fonts-noto-color-emoji || return 1
    launcher "$tools/chromium" chromium usr/lib/chromium/chromium-headless-shell "$system/pulseaudio"
    # A library that is missing shows here, and not as a failed test.
    [[ $("$tools/chromium/bin/chromium" --no-sandbox --dump-dom 'data:text/html,<p>works</p>' 2>/dev/null) == *works* ]]
}

# LibreOffice finds its files at fixed paths only, so it is installed.
office() {
    command -v soffice >/dev/null && return
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 1
    local install=(apt-get install -qq -y --no-install-recommends libreoffice-calc-nogui)
    export DEBIAN_FRONTEND=noninteractive
    { "${install[@]}" || { apt-get update -qq && "${install[@]}"; }; } >/dev/null 2>&1
}

mkdir -p "$tools"
checkers || missing "bagit or jsonschema"
chromium || missing Chromium
if [[ ${1:-} == --office ]]; then
    office || missing LibreOffice
fi
