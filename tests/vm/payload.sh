#!/usr/bin/env bash
# Fills a payload directory for run.py: copies files into it, programs without their debug information.
#   tests/vm/payload.sh DIR FILE...
set -euo pipefail
directory=$1
shift
mkdir -p "$directory"
for file in "$@"; do
  target=$directory/$(basename "$file")
  if [[ $(head -c 4 "$file" | tail -c 3) == ELF ]]; then
    strip -o "$target" "$file"
  else
    cp -p "$file" "$target"
  fi
done
