#!/bin/sh
# Puts JupyterLab into .venv-jupyter from requirements-jupyter.lock, for the tests of interactive sessions: apart, because
# the product only starts what a centre's nodes have. Where it cannot be installed those tests skip and say why. Runs
# again only when the lock changes.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv-jupyter/.installed-$(cksum < requirements-jupyter.lock | tr ' ' '-')
[ -e "$stamp" ] && exit 0

if [ ! -x .venv-jupyter/bin/python ] || ! .venv-jupyter/bin/python -m pip --version >/dev/null 2>&1; then
    "${PYTHON:-python3}" -m venv .venv-jupyter
fi
echo "Installing JupyterLab into .venv-jupyter (once) ..."
if .venv-jupyter/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r requirements-jupyter.lock; then
    rm -f .venv-jupyter/.installed-*
    touch "$stamp"
else
    echo "JupyterLab could not be installed; the tests that run it will skip." >&2
fi
