#!/usr/bin/env bash
# Gives the text of an agent to which everything happened to promtool (Debian: prometheus).
#   check_promtool.sh METRICS_TEST
# Exit code 77: promtool is not installed.
set -euo pipefail
command -v promtool > /dev/null || { echo "SKIPPED: promtool is not installed (Debian: prometheus)"; exit 77; }
text=$(mktemp)
trap 'rm -f "$text"' EXIT
PLIMSOLL_METRICS_TEXT=$text "$1" --gtest_filter=MetricsTest.EveryFamilyOfTheTableIsWritten > /dev/null
[[ -s $text ]]
promtool check metrics < "$text"
