#!/usr/bin/env bash
# Measures NRI plugins against each other in one run: the example of docs/nri-plugin.md, a Go plugin over NRI's own library,
# and what is given.
#   tests/bench/nri/run.sh BUILD_DIR [--calls N] [--idle SECONDS] [LABEL=COMMAND...]      ("{socket}" in COMMAND is replaced)
# Needs Go for the peer (its modules come from the module proxy once); without it the peer is left out, by name.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: run.sh BUILD_DIR [--calls N] [--idle SECONDS] [LABEL=COMMAND...]}" && pwd)
shift

plugins=("cpp-example=$build/tests/nri/nri_plugin_example {socket}")
if command -v go > /dev/null; then
  peer=$build/tests/bench/nri/go-peer
  if [[ ! -x $peer || $here/go-peer/main.go -nt $peer ]]; then
    (cd "$here/go-peer" && go build -o "$peer" .)
  fi
  plugins+=("go-peer=$peer -socket {socket}")
else
  echo "skipped: go-peer (no Go on this machine)" >&2
fi
exec "$build/tests/bench/nri/nri_bench" "${plugins[@]}" "$@"
