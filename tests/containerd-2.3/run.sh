#!/usr/bin/env bash
# The virtual machine's tests behind a containerd that no Debian has yet: 2.3, whose NRI (0.12) carries sysctls, io
# priorities and scheduling policies. Builds containerd and its shim from their Go module and runs them in the sid machine.
#   tests/containerd-2.3/run.sh BUILD_DIR [GTEST_ARGUMENT...]
# Needs Go and its module proxy, and what tests/vm needs. Exit 77: something of that is missing, with the reason.
set -euo pipefail
version=${CONTAINERD_VERSION:-v2.3.7}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vm=$here/../vm
build=$1
shift
command -v go > /dev/null || { echo "skipped: containerd $version (no Go on this machine)"; exit 77; }

bin=${PLIMSOLL_CACHE:-$here/../../.cache}/containerd/$version
if [[ ! -x $bin/containerd || ! -x $bin/containerd-shim-runc-v2 ]]; then
  echo "building containerd $version (a quarter of an hour on two cores)"
  mkdir -p "$bin"
  module=github.com/containerd/containerd/v2
  # Without what the machine does not use, and without cgo: the programs then need no library of the guest.
  CGO_ENABLED=0 GOBIN=$(realpath "$bin") GOFLAGS="-buildvcs=false -trimpath" go install \
    -tags "no_btrfs no_devmapper no_zfs no_tracing nri_no_wasm" \
    -ldflags "-s -w -X $module/version.Version=${version#v}" \
    "$module/cmd/containerd@$version" "$module/cmd/containerd-shim-runc-v2@$version" ||
    { echo "skipped: containerd $version could not be built"; exit 77; }
fi

payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT
"$vm/payload.sh" "$payload" "$build/cmd/plimsolld/plimsolld" "$build/cmd/kubectl-plimsoll/kubectl-plimsoll" \
  "$build/tests/support/podctl/podctl" "$build/tests/vm/suite/vm_suite"
# First in the guest's PATH, so the restart below takes them.
cp "$bin/containerd" "$bin/containerd-shim-runc-v2" "$payload"
cp -r "$vm/demo" "$payload/demo"
cp "$here/../../deploy/security/seccomp.json" "$payload/demo/"
filter=${*:---gtest_filter=Settings.*:Namespaces*:Carried.*}
"$vm/run.py" --suite sid --payload "$payload" --timeout "${VM_TIMEOUT:-1200}" \
  --command "containerd-ctl restart && containerd --version && PLIMSOLL_CONTAINERD=${version#v} ./vm_suite ${filter@Q}"
