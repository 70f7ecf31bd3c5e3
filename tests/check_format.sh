#!/usr/bin/env bash
# Fails when a source differs from what clang-format 14 makes of it. `make format` puts it right.
set -euo pipefail
cd "${1:-.}"
if ! command -v clang-format-14 > /dev/null; then
  echo "skipped: clang-format-14 is not installed"
  exit 77
fi
git ls-files '*.h' '*.cc' '*.c' | xargs clang-format-14 --dry-run --Werror
