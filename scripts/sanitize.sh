#!/usr/bin/env bash
# Unit tests under AddressSanitizer and UBSan, then the threaded ones under ThreadSanitizer. Builds in build-asan/ and
# build-tsan/. The tests labelled "vm" run the shipped binaries and are left out.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}

run() {
  local name=$1 option=$2
  shift 2
  printf '\033[1m==> %s\033[0m\n' "$name"
  cmake -S . -B "build-$name" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo "-D$option=ON" -DPLIMSOLL_BENCH=OFF > /dev/null
  ninja -C "build-$name" -j"$jobs" > "build-$name/build.log" || { tail -60 "build-$name/build.log"; exit 1; }
  ctest --test-dir "build-$name" --output-on-failure --no-tests=error "$@"
}

export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
run asan PLIMSOLL_SANITIZE -LE vm
run tsan PLIMSOLL_TSAN -R 'event_loop|sys_test|api|control|plimsolld' -LE vm
