#!/usr/bin/env bash
# The traffic programs on a real kernel: boots the machine and runs bpf_suite in it, or with BPF_SUITE=netqos_suite the
# engine's tests. Rates and times that software emulation cannot reach are left out.
#   tests/vm/bpf.sh bookworm|trixie|sid BUILD_DIR [GTEST_ARGUMENT...]
# Exit 77: the machine cannot be built or run here, with the reason.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
suite=$1
build=$2
shift 2
program=${BPF_SUITE:-bpf_suite}
folder=${program%_suite}
if [[ $# -eq 0 ]]; then
  left_out='*Tcp2*:*Tcp300*:*Udp300:*OwnRequests*:*HoldsRates*:*HoldsA*:*AWeight*'
  # Times shorter than the emulator's pauses with this kernel, and how many packets a sender gets away.
  [[ $suite != bookworm ]] || left_out+=':*ClassesBelowDoNot*:*CountsSegments*:*AnotherLineIsTaken*'
  set -- "--gtest_filter=-$left_out"
fi
payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT
trap 'kill -TERM $! 2> /dev/null; wait; exit 143' INT TERM
"$here/payload.sh" "$payload" "$build/tests/$folder/$program"
"$here/run.py" --suite "$suite" --payload "$payload" --timeout "${VM_TIMEOUT:-600}" --command "uname -r; ./$program ${*@Q}" &
wait $!
