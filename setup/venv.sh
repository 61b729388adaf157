#!/bin/sh
# Makes .venv from requirements.lock (every package by its hash). Runs again only when the lock or the project's own file changes.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Huisuan needs Python 3.11 or newer; this is $("$python" --version). Name another: make PYTHON=python3.12" >&2
    exit 1
}

stamp=.venv/.installed-$(cat requirements.lock pyproject.toml | cksum | tr ' ' '-')
[ -e "$stamp" ] && exit 0

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        # Debian and Ubuntu keep venv in a package of its own.
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
        else
            echo "This Python has no venv. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2
            exit 1
        fi
    fi
    "$python" -m venv .venv
fi
echo "Installing packages into .venv (once; a minute or two) ..."
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
rm -f .venv/.installed-*
touch "$stamp"
