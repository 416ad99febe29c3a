#!/usr/bin/env bash
# Makes the archive of a release for one target: the program, its completions, manual pages, documents and their checksums, in the
# folders of a prefix such as /usr/local. Prints the archive's path.
#
#   archive.sh PROGRAM TARGET FOLDER [GENERATOR]
#
# GENERATOR is as for install.sh. The same program and sources give the same bytes: entries are sorted, have no owner, and have
# the time SOURCE_DATE_EPOCH (seconds since 1970; default: the time of the last commit).
set -euo pipefail

program=$(realpath "$1")
target=$2
folder=$(realpath "$3")
generator=$(realpath "${4:-$1}")
cd "$(dirname "$0")/.."

epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
version=$("$generator" --version)
name=chatzy-export-${version#chatzy-export }-$target

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
scripts/install.sh "$program" "$made/$name" "$generator"
documents=$made/$name/share/doc/chatzy-export
mkdir -p "$documents"
# All that the README links to, so that its links work here too.
cp -R README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md BENCHMARKS.md LICENSE-APACHE LICENSE-MIT sample_contacts.csv docs examples "$documents"
# For `sha256sum --check` in the prefix: paths are relative to it.
(cd "$made/$name" && find bin share -type f -print0 | LC_ALL=C sort --zero-terminated | xargs -0 sha256sum) >"$made/sums"
mv "$made/sums" "$documents/SHA256SUMS"

# Files alone: tar makes the folders that are missing, and leaves the modes of those that are there, such as /usr/local/bin.
# Renamed when complete: an interruption leaves no half archive.
(cd "$made" && find "$name" -type f -print0 | LC_ALL=C sort --zero-terminated) |
    tar --create --format=gnu --directory "$made" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        --mtime="@$epoch" --null --files-from=- | gzip -9n >"$folder/$name.tar.gz.new"
mv "$folder/$name.tar.gz.new" "$folder/$name.tar.gz"
echo "$folder/$name.tar.gz"
