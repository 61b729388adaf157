#!/bin/sh
# Puts a peer of the tests into an environment of its own: apart.sh ray Ray fills .venv-ray from requirements-ray.lock.
# Where it cannot be installed the tests that use it skip and say why. Runs again only when the lock changes.
set -eu
cd "$(dirname "$0")/.."
place=.venv-$1
lock=requirements-$1.lock
what=$2

stamp=$place/.installed-$(cksum < "$lock" | tr ' ' '-')
[ -e "$stamp" ] && exit 0

if [ ! -x "$place/bin/python" ] || ! "$place/bin/python" -m pip --version >/dev/null 2>&1; then
    "${PYTHON:-python3}" -m venv "$place"
fi
echo "Installing $what into $place (once${3:+; $3}) ..."
if "$place/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"; then
    rm -f "$place"/.installed-*
    touch "$stamp"
else
    echo "$what could not be installed; the tests that run it will skip." >&2
fi
