#!/usr/bin/env bash
# Writes the generated pages anew: docs/annotations.md, README.md's table of settings and the plugin's manual page.
#   scripts/docs.sh [BUILD]
set -euo pipefail
cd "$(dirname "$0")/.."
"${1:-build}/tests/docs/plimsoll-docgen" .
"${1:-build}/cmd/kubectl-plimsoll/kubectl-plimsoll" man > docs/man/kubectl-plimsoll.1
"${1:-build}/tests/chart/plimsoll-deploygen" .
