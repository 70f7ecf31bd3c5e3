#!/usr/bin/env bash
# Writes the generated pages anew: docs/annotations.md and README.md's table of settings.
#   scripts/docs.sh [BUILD]
set -euo pipefail
cd "$(dirname "$0")/.."
"${1:-build}/tests/docs/plimsoll-docgen" .
"${1:-build}/tests/chart/plimsoll-deploygen" .
