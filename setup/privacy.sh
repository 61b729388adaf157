#!/bin/sh
# Presidio, JioNLP and jieba, the peers of bench/privacy.py: apart, because the product needs none of them.
exec sh "$(dirname "$0")/apart.sh" privacy "the benchmarks' finders of numbers and names" "600 MB"
