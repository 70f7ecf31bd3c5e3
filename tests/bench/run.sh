#!/usr/bin/env bash
# The measures, in one run, as tables: the agent beside NRI's own Go library (latency of CreateContainer, Synchronize, memory,
# idle cost), the cost of the parts, and two hundred pods in the virtual machine.
#   tests/bench/run.sh BUILD_DIR [--quick]      (--quick: fewer calls, a shorter idle, no virtual machine)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
quick=${2:-}
say() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }

say "$(nproc) processors, Linux $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg)"

say "NRI: from the runtime's CreateContainer request to our answer, a pod with 20 annotations; Synchronize; memory; idle"
# The agent works on a host of plain files here: the answer to CreateContainer needs no kernel, and this machine may be none
# that it would serve.
coproc HOST { exec "$build/tests/bench/nri/bench_fake_host"; }
host_pid=$HOST_PID  # bash forgets it once the process has ended
read -r host <&"${HOST[0]}"
agent="$build/cmd/plimsolld/plimsolld --nri-socket={socket} --api-socket=$host/api.sock --log-level=error --state-dir=$host/state"
agent+=" --cgroup-root=$host/cgroup --proc-root=$host/proc --sys-root=$host/sys"
"$here/nri/run.sh" "$build" $([[ $quick ]] && echo --calls 5000 --idle 5) "plimsolld=$agent"
exec {HOST[1]}>&-
wait "$host_pid"

for part in annotation control cgroup journal metrics; do
  say "$part"
  "$build/tests/bench/$part/${part}_bench" --benchmark_min_time=0.2 2>&1 | grep -v -e WARNING -e "^Run on" -e "^  L" -e "CPU Caches" -e "Load Average" -e "^20"
done
say "traffic: attaching, restart and reconcile of $([[ $quick ]] && echo 50 || echo 500) pods"
"$build/tests/bench/netqos/netqos_bench" "$([[ $quick ]] && echo 50 || echo 500)"
[[ $quick ]] && exit 0

say "two hundred pods through containerd in the virtual machine"
PLIMSOLL_CHURN=200 VM_TIMEOUT=2400 "$here/../vm/suite.sh" trixie "$build" --gtest_filter='Lifecycle.ManyPods*' |
  grep -E 'churn:|OK|FAILED'
