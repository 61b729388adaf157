#!/bin/sh
# Ray, for the tests that run jobs on a real one: apart, because the product speaks with Ray by HTTP alone.
exec sh "$(dirname "$0")/apart.sh" ray Ray "a third of a gigabyte"
