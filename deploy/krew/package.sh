#!/usr/bin/env bash
# Makes the plugin's archives and the krew manifest that names them.
#   deploy/krew/package.sh OUT VERSION BASE ARCH=PROGRAM...
#   deploy/krew/package.sh out v0.1.0 https://example.org/v0.1.0 amd64=build/cmd/kubectl-plimsoll/kubectl-plimsoll
# Programs go in as they are: strip them before. An architecture without a program is left out of the manifest. The same input gives the same bytes.
set -euo pipefail
out=$1 version=$2 base=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "a version is v and three numbers: v0.1.0" >&2; exit 1; }
mkdir -p "$out"
manifest=$(< "$here/plimsoll.yaml")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for each in "$@"; do
  arch=${each%%=*} archive=$out/kubectl-plimsoll-$version-linux-${each%%=*}.tar.gz
  [[ $manifest == *"SHA256_$arch"* ]] || { echo "the manifest has no $arch" >&2; exit 1; }
  install -m 0755 "${each#*=}" "$work/kubectl-plimsoll"
  install -m 0644 "$here/../../LICENSE" "$work/LICENSE"
  tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -c LICENSE kubectl-plimsoll \
    | gzip -9n > "$archive"
  manifest=${manifest//SHA256_$arch/$(sha256sum "$archive" | cut -d' ' -f1)}
done
manifest=${manifest//VERSION/$version}
manifest=${manifest//BASE/$base}
# A platform is what stands between two selectors.
awk 'function flush() { if (block !~ /SHA256_/) printf "%s", block; block = "" }
     /^#/ { next }
     /^  - selector:/ { flush() }
     { block = block $0 "\n" }
     END { flush() }' <<< "$manifest" > "$out/plimsoll.yaml"
