#!/bin/sh
# Within the build stage: installs what packages.txt names; does nothing where all of it is there.
set -eu
packages=$(sed -e '/^#/d' -e '/^$/d' "$1")
missing=
for package in $packages; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
. /etc/os-release
echo "deb ${PLIMSOLL_MIRROR:-http://deb.debian.org/debian} $VERSION_CODENAME-backports main" > /etc/apt/sources.list.d/backports.list
printf 'Package: libbpf*\nPin: release n=%s-backports\nPin-Priority: 900\n' "$VERSION_CODENAME" > /etc/apt/preferences.d/libbpf
export DEBIAN_FRONTEND=noninteractive
apt-get update
# shellcheck disable=SC2086
apt-get install -y --no-install-recommends $missing
