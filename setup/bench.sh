#!/bin/sh
# Makes .venv-bench from bench/requirements.lock (every package by its hash): the peer that bench/law.py measures
# against, apart from .venv because it pins older packages. Runs again only when the lock changes.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
stamp=.venv-bench/.installed-$(cksum < bench/requirements.lock | tr ' ' '-')
[ -e "$stamp" ] && exit 0

if [ ! -x .venv-bench/bin/python ] || ! .venv-bench/bin/python -m pip --version >/dev/null 2>&1; then
    "$python" -m venv .venv-bench
fi
echo "Installing the benchmarks' peer into .venv-bench (once) ..."
.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.lock
rm -f .venv-bench/.installed-*
touch "$stamp"
