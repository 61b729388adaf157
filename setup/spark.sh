#!/bin/sh
# Puts Spark (half a gigabyte) into .venv from requirements-spark.lock, for the tests that compute on it. Only where
# Java 17 or newer is, or root and apt can install it; elsewhere those tests skip and say why. Runs again only when
# the lock changes.
set -eu
cd "$(dirname "$0")/.."

java_version() {
    "${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p'
}
has_java() { [ "$(java_version 2>/dev/null || true)" -ge 17 ] 2>/dev/null; }

stamp=.venv/.spark-$(cksum < requirements-spark.lock | tr ' ' '-')
if [ -e "$stamp" ] && has_java; then
    exit 0
fi
if ! has_java; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing Java for the Spark tests (once) ..."
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq >/dev/null 2>&1 || true
        apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless >/dev/null 2>&1 ||
            apt-get install -y -qq --no-install-recommends openjdk-21-jre-headless >/dev/null 2>&1 || true
    fi
    if ! has_java; then
        echo "No Java 17 or newer, and no root with apt to install it; the Spark tests will skip." >&2
        exit 0
    fi
fi
[ -e "$stamp" ] && exit 0
echo "Installing Spark into .venv (once; half a gigabyte) ..."
if .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes \
    -r requirements-spark.lock; then
    rm -f .venv/.spark-*
    touch "$stamp"
else
    echo "Spark could not be installed; the Spark tests will skip." >&2
fi
