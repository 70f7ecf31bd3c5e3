#!/usr/bin/env bash
# Installs the Debian packages that building and testing need; does nothing when all are there.
set -euo pipefail

packages=(
  build-essential cmake ninja-build ccache pkg-config git ca-certificates python3
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  libyaml-cpp-dev libcgroup-dev libgtest-dev libgmock-dev libbenchmark-dev libexpected-dev
  nlohmann-json3-dev libcli11-dev libssl-dev zlib1g-dev libc-ares-dev libre2-dev libsystemd-dev
  clang-14 clang-format-14 libclang-rt-14-dev bpftool libelf-dev iproute2
  mmdebstrap qemu-system-x86 e2fsprogs binutils python3-yaml
)

# TCX links need libbpf 1.3, which Debian 12 has in its backports.
from_backports=(libbpf-dev)
libbpf_min=1:1.3

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
libbpf_found=$(dpkg-query -W -f='${Version}' libbpf-dev 2>/dev/null || true)
if [[ -z $libbpf_found ]] || dpkg --compare-versions "$libbpf_found" lt "$libbpf_min"; then
  . /etc/os-release
  [[ $VERSION_CODENAME == bookworm ]] && missing+=("${from_backports[@]/%//bookworm-backports}") || missing+=("${from_backports[@]}")
fi
[[ ${#missing[@]} -eq 0 ]] && exit 0

printf '\033[1m==> installing %d Debian packages: %s\033[0m\n' "${#missing[@]}" "${missing[*]}"
if [[ $(id -u) -ne 0 ]]; then
  echo "install-deps: run as root, or install them yourself: apt-get install ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# Backports are known to apt for this one call only; the machine's own sources stay as they are.
sources=$(mktemp -d)
trap 'rm -rf "$log" "$sources"' EXIT
cp -r /etc/apt/sources.list.d/. "$sources"
if [[ " ${missing[*]} " == *bookworm-backports* ]]; then
  printf 'Types: deb\nURIs: %s\nSuites: bookworm-backports\nComponents: main\nSigned-By: %s\n' \
    "${PLIMSOLL_MIRROR:-http://deb.debian.org/debian}" /usr/share/keyrings/debian-archive-keyring.gpg \
    > "$sources/plimsoll-backports.sources"
fi
apt=(apt-get -o "Dir::Etc::SourceParts=$sources")
if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
  tail -40 "$log" >&2
  exit 1
fi
