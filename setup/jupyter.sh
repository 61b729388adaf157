#!/bin/sh
# JupyterLab, for the tests of interactive sessions: apart, because the product only starts what a centre's nodes have.
exec sh "$(dirname "$0")/apart.sh" jupyter JupyterLab
