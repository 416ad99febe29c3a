#!/usr/bin/env bash
# Puts one program of a Debian package into .tools/bin, without installing the package: `debian-program.sh PACKAGE PROGRAM`.
set -euo pipefail
cd "$(dirname "$0")/.."

package=$1
program=$2
command -v apt-get >/dev/null && command -v dpkg >/dev/null || exit 1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(
    cd "$folder"
    apt-get download -qq "$package" || { apt-get update -qq && apt-get download -qq "$package"; }
) >/dev/null 2>&1
dpkg -x "$folder/${package}"_*.deb "$folder/root"
mkdir -p .tools/bin
# Beside and renamed, so that a script that is stopped leaves no half of it.
cp "$folder/root/usr/bin/$program" ".tools/bin/$program.new"
mv ".tools/bin/$program.new" ".tools/bin/$program"
