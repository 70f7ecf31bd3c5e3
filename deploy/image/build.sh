#!/usr/bin/env bash
# Builds the image with buildah as root, without a registry: a Debian base made by mmdebstrap, kept in the cache, stands in for
# the pulled one. The source is what git knows of HEAD, so nothing uncommitted gets in; times are the commit's.
#   deploy/image/build.sh OUT.tar        an OCI archive; prints its digest and its size
# PLIMSOLL_COMMIT is built in place of HEAD. PLIMSOLL_NO_CCACHE=1 compiles everything anew. Needs root, buildah, mmdebstrap. Exit 77: one of them is missing.
set -euo pipefail
out=$(realpath -m "${1:?usage: build.sh OUT.tar}")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${PLIMSOLL_CACHE:-$root/.cache}/image
suite=bookworm
mirror=${PLIMSOLL_MIRROR:-http://deb.debian.org/debian}
missing() { echo "skipped: image ($1)" >&2; exit 77; }
[[ $(id -u) == 0 ]] || missing "needs root"
for tool in buildah mmdebstrap git; do command -v $tool > /dev/null || missing "no $tool; apt-get install $tool"; done
mkdir -p "$cache"

# The base carries its packages' fingerprint in its name: another list is another base.
base=$cache/base-$(sha256sum "$here/packages.txt" | cut -c1-16).tar
if [[ ! -s $base ]]; then
  echo "making the build stage's base, once" >&2
  includes=$(sed -e '/^#/d' -e '/^$/d' -e 's/^libbpf-dev$/libbpf-dev\/bookworm-backports/' "$here/packages.txt" | paste -sd,)
  mmdebstrap --quiet --format=tar --variant=apt --aptopt='APT::Install-Recommends "false"' --include="${includes}" \
    --setup-hook='mkdir -p "$1/etc/apt/preferences.d"; printf "Package: libbpf*\nPin: release n=bookworm-backports\nPin-Priority: 900\n" > "$1/etc/apt/preferences.d/libbpf"' \
    "$suite" "$base.new" "deb $mirror $suite main" "deb $mirror $suite-backports main" "deb $mirror $suite-updates main" > "$base.log" 2>&1 ||
    { tail -20 "$base.log" >&2; exit 1; }
  mv "$base.new" "$base"
fi

# Storage of its own, so that nothing of the machine's is touched and all of it can be taken away.
store=$(mktemp -d "${TMPDIR:-/tmp}/plimsoll-image.XXXXXX")
buildah_() { buildah --root "$store/root" --runroot "$store/run" --storage-driver vfs "$@"; }
cleanup() {
  buildah_ rm --all > /dev/null 2>&1 || true
  buildah_ rmi --all --force > /dev/null 2>&1 || true
  rm -rf "$store"
}
trap cleanup EXIT

context=$store/context
mkdir -p "$context"
revision=$(git -C "$root" rev-parse "${PLIMSOLL_COMMIT:-HEAD}")
git -C "$root" archive "$revision" | tar -x -C "$context"
epoch=$(git -C "$root" log -1 --format=%ct "$revision")
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
version=$(sed -n 's/^project(plimsoll VERSION \([0-9.]*\).*/\1/p' "$context/CMakeLists.txt")

from=$(buildah_ from --quiet scratch)
buildah_ add --quiet "$from" "$base" / > /dev/null
buildah_ commit --quiet "$from" localhost/plimsoll-base > /dev/null
buildah_ rm "$from" > /dev/null
volumes=()
if [[ -z ${PLIMSOLL_NO_CCACHE:-} ]]; then
  mkdir -p "$cache/ccache"
  volumes=(--volume "$cache/ccache:/root/.cache/ccache:rw")
fi
buildah_ bud --isolation chroot --layers=false --timestamp "$epoch" --format oci "${volumes[@]}" \
  --build-arg BASE=localhost/plimsoll-base --build-arg VERSION="$version" --build-arg REVISION="$revision" \
  --build-arg CREATED="$created" --build-arg SOURCE_DATE_EPOCH="$epoch" --build-arg JOBS="${JOBS:-$(nproc)}" \
  --file "$context/deploy/Dockerfile" --tag "localhost/plimsoll:$version" "$context" > "$store/log" 2>&1 ||
  { tail -40 "$store/log" >&2; exit 1; }
mkdir -p "$(dirname "$out")"
rm -f "$out"
buildah_ push --quiet --digestfile "$store/digest" "localhost/plimsoll:$version" "oci-archive:$out:plimsoll:$version"
echo "image $version of ${revision:0:12}: $(cat "$store/digest")"
echo "$(stat -c %s "$out") bytes compressed, $out"
