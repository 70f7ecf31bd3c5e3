#!/usr/bin/env bash
# make demo: boots the virtual machine and runs tests/vm/demo/guest.sh in it.   tests/vm/demo.sh BUILD_DIR
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
payload=$build/demo-payload
rm -rf "$payload"
mkdir -p "$payload"
cp -r tests/vm/demo "$payload/demo"
cp deploy/security/seccomp.json "$payload/demo/"
for binary in plimsolld kubectl-plimsoll podctl; do
  strip -o "$payload/$binary" "$(find "$build" -name "$binary" -type f -perm -u+x | head -1)"
done
exec tests/vm/run.py --suite "${SUITE:-trixie}" --payload "$payload" --timeout 300 --command /payload/demo/guest.sh
