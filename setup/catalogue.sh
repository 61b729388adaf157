#!/bin/sh
# ckanapi, frictionless, pyshacl, mlcroissant and datasets, for the tests that load the open data list with them: apart,
# because the product needs none of them.
exec sh "$(dirname "$0")/apart.sh" catalogue "the tools that load open data" "half a gigabyte"
