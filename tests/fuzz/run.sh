#!/usr/bin/env bash
# Runs every fuzz target for a while (default 60 s each) with clang's libFuzzer, ASan and UBSan. New inputs that reach new code
# stay in build-fuzz/corpus/<target>; a finding stops it with the input's path.
#   tests/fuzz/run.sh [SECONDS] [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
shift || true
build=build-fuzz
say() { printf '\033[1m==> %s\033[0m\n' "$*"; }

say "building the fuzz targets in $build/ with clang 14"
CC=clang-14 CXX=clang++-14 cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPLIMSOLL_FUZZ=ON \
  -DPLIMSOLL_BENCH=OFF > /dev/null
targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  mapfile -t targets < <(ninja -C $build -t targets all | sed -n 's/^\([a-z]*_fuzz\): phony$/\1/p' | sort -u)
fi
[[ ${#targets[@]} -gt 0 ]] || { echo "no fuzz targets found" >&2; exit 1; }
ninja -C $build "${targets[@]}" > $build/build.log || { tail -40 $build/build.log; exit 1; }

for target in "${targets[@]}"; do
  binary=$(find $build -name "$target" -type f -perm -u+x | head -1)
  mkdir -p "$build/corpus/$target" "$build/findings"
  seeds=tests/fuzz/corpus/$target
  dict=()
  [[ -f tests/fuzz/$target.dict ]] && dict=(-dict="tests/fuzz/$target.dict")
  say "$target: $seconds s"
  "$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$build/findings/$target-" \
    "${dict[@]}" "$build/corpus/$target" $([[ -d $seeds ]] && echo "$seeds") > "$build/$target.log" 2>&1 \
    || { tail -40 "$build/$target.log"; echo "finding: see $build/findings"; exit 1; }
  grep -E 'stat::number_of_executed_units|stat::average_exec_per_sec' "$build/$target.log"
done
say "no finding in ${#targets[@]} targets"
