#!/bin/sh
# mypy over the policies. Their folders carry a dash, which no package may: they are checked under a name without it.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
for folder in policies/*/; do
    name=$(basename "$folder" | tr - _)
    ln -s "$root/$folder" "$packages/$name"
    (cd "$packages" && MYPYPATH="$root/src:$packages" "$root/.venv/bin/mypy" --config-file= --strict \
        --cache-dir="$root/.mypy_cache/policies" -p "$name")
done
