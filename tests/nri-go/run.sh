#!/usr/bin/env bash
# Runs NRI's own Go runtime side, several releases of it, against the C++ plugin nri_event_plugin. Needs Go and its module proxy.
#   tests/nri-go/run.sh PLUGIN_BINARY [v0.6.1 v0.8.0 v0.12.2]
set -euo pipefail
plugin=$(realpath "${1:?usage: run.sh PLUGIN_BINARY [NRI_VERSION...]}")
shift
here=$(cd "$(dirname "$0")" && pwd)
command -v go > /dev/null || { echo "skipped: nri-go (no Go on this machine)"; exit 77; }
versions=("$@")
[[ ${#versions[@]} -gt 0 ]] || versions=(v0.6.1 v0.8.0 v0.12.2)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for version in "${versions[@]}"; do
  case $version in
    v0.[0-6].*) tags=nri061 ;;
    v0.1[2-9].*) tags=nri012,nri_no_wasm ;;
    *) tags=nri_no_wasm ;;
  esac
  rm -rf "$work/src" && mkdir "$work/src" && cp "$here"/*.go "$here/go.mod" "$work/src"
  echo "== NRI $version"
  (cd "$work/src" && go mod edit -require="github.com/containerd/nri@$version" &&
    GOFLAGS=-mod=mod go mod tidy > "$work/log" 2>&1 && GOFLAGS=-mod=mod go build -tags "$tags" -o "$work/nri-go" . >> "$work/log" 2>&1) ||
    { cat "$work/log"; exit 1; }
  "$work/nri-go" -plugin "$plugin" || failed=1
done
exit $failed
