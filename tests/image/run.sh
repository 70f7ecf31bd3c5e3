#!/usr/bin/env bash
# Builds the image twice, the second time without any compiler cache, compares the bytes, and looks into
# it and runs it. Twice a whole compilation, each 25 minutes on two cores at a load of ten. As root.
#   tests/image/run.sh [IMAGE.tar]     with an image that was built of this commit already, builds once
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/plimsoll-test-image.XXXXXX")
trap 'rm -rf "$work"' EXIT
first=${1:-$work/first.tar}
# Somebody may commit meanwhile.
PLIMSOLL_COMMIT=$(git -C "$here" rev-parse "${PLIMSOLL_COMMIT:-HEAD}")
export PLIMSOLL_COMMIT
[[ -n ${1:-} ]] || "$here/../../deploy/image/build.sh" "$first"
"$here/check.py" "$first"
PLIMSOLL_NO_CCACHE=1 "$here/../../deploy/image/build.sh" "$work/second.tar"
digest() { tar -xOf "$1" index.json | python3 -c 'import json,sys; print(json.load(sys.stdin)["manifests"][0]["digest"])'; }
if [[ $(digest "$first") != "$(digest "$work/second.tar")" ]]; then
  echo "two builds of one commit differ: $(digest "$first"), $(digest "$work/second.tar")" >&2
  exit 1
fi
echo "both builds are $(digest "$first")"
