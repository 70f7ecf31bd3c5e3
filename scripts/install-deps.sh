#!/usr/bin/env bash
# Installs the Debian packages that building and testing need; does nothing when all are there.
set -euo pipefail

packages=(
  build-essential cmake ninja-build ccache pkg-config git ca-certificates python3
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  libyaml-cpp-dev libcgroup-dev libgtest-dev libgmock-dev libbenchmark-dev libexpected-dev
  nlohmann-json3-dev libcli11-dev libssl-dev zlib1g-dev libc-ares-dev libre2-dev libsystemd-dev
  clang-14 clang-format-14 libclang-rt-14-dev
  mmdebstrap qemu-system-x86 e2fsprogs binutils
)

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

printf '\033[1m==> installing %d Debian packages: %s\033[0m\n' "${#missing[@]}" "${missing[*]}"
if [[ $(id -u) -ne 0 ]]; then
  echo "install-deps: run as root, or install them yourself: apt-get install ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
  tail -40 "$log" >&2
  exit 1
fi
