#!/usr/bin/env bash
# Puts the program, its completions and manual pages below a prefix, or takes them away again.
#
#   install.sh PROGRAM PREFIX [GENERATOR]
#   install.sh --uninstall PREFIX
#
# GENERATOR prints the completions and manual pages: the same program, built for this machine (default: PROGRAM).
set -euo pipefail

name=chatzy-export
prefix=$2
bash_completion=$prefix/share/bash-completion/completions/$name
zsh_completion=$prefix/share/zsh/site-functions/_$name
fish_completion=$prefix/share/fish/vendor_completions.d/$name.fish
pages=$prefix/share/man/man1

if [[ $1 == --uninstall ]]; then
    rm -f "$prefix/bin/$name" "$bash_completion" "$zsh_completion" "$fish_completion" "$pages/$name.1" "$pages/$name"-*.1
    exit 0
fi

program=$1
generator=${3:-$1}
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
# Made as a whole before anything is put in its place.
for shell in bash zsh fish; do
    "$generator" completions $shell >"$made/$shell"
done
"$generator" man --out "$made/man"

install -D -m 755 "$program" "$prefix/bin/$name"
install -D -m 644 "$made/bash" "$bash_completion"
install -D -m 644 "$made/zsh" "$zsh_completion"
install -D -m 644 "$made/fish" "$fish_completion"
install -d -m 755 "$pages"
install -m 644 "$made"/man/*.1 "$pages"
