#!/usr/bin/env bash
# The manifest names the archives that were made, and they hold what it says.  test.sh PLUGIN
set -euo pipefail
built=$1
here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
plugin=$out/plugin
strip -o "$plugin" "$built"
fail() { echo "FAILED: $*" >&2; exit 1; }
"$here/package.sh" "$out" v1.2.3 https://example.org/v1.2.3 "amd64=$plugin"
archive=$out/kubectl-plimsoll-v1.2.3-linux-amd64.tar.gz
first=$(sha256sum "$archive" | cut -d' ' -f1)
grep -q "sha256: $first$" "$out/plimsoll.yaml" || fail "the archive's sum is not in the manifest"
grep -q "uri: https://example.org/v1.2.3/kubectl-plimsoll-v1.2.3-linux-amd64.tar.gz$" "$out/plimsoll.yaml" || fail "uri"
grep -q "version: v1.2.3$" "$out/plimsoll.yaml" || fail "version"
! grep -qE "SHA256_|BASE|VERSION|arm64" "$out/plimsoll.yaml" || fail "something was not filled in or left out"
mkdir "$out/unpacked"
tar -C "$out/unpacked" -xzf "$archive"
[[ -s $out/unpacked/LICENSE ]] || fail "no licence"
"$out/unpacked/kubectl-plimsoll" version --client | grep -q "Client Version" || fail "the program does not run"
"$here/package.sh" "$out" v1.2.3 https://example.org/v1.2.3 "amd64=$plugin"
[[ $(sha256sum "$archive" | cut -d' ' -f1) == "$first" ]] || fail "two makes differ"
! "$here/package.sh" "$out" 1.2 https://example.org "amd64=$plugin" 2> /dev/null || fail "took 1.2 for a version"
! "$here/package.sh" "$out" v1.2.3 https://example.org "mips=$plugin" 2> /dev/null || fail "took mips"
