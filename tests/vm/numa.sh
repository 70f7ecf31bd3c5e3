#!/usr/bin/env bash
# The topology on a real kernel of two NUMA nodes: boots such a machine and runs topology_numa_suite in it.
#   tests/vm/numa.sh trixie|sid BUILD_DIR
# Exit 77: the machine cannot be built or run here, with the reason.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT
trap 'kill -TERM $! 2> /dev/null; wait; exit 143' INT TERM
"$here/payload.sh" "$payload" "$2/pkg/topology/topology_numa_suite"
nodes=()
for node in 0 1; do
  nodes+=("--qemu-arg=-object" "--qemu-arg=memory-backend-ram,id=m$node,size=512M" "--qemu-arg=-numa"
    "--qemu-arg=node,nodeid=$node,cpus=$((2 * node))-$((2 * node + 1)),memdev=m$node")
done
# A skipped test is no test here.
"$here/run.py" --suite "$1" --payload "$payload" --timeout "${VM_TIMEOUT:-300}" --cpus 4 --memory 1024 "${nodes[@]}" \
  --qemu-arg=-numa --qemu-arg=dist,src=0,dst=1,val=25 \
  --command 'uname -r; ./topology_numa_suite > /tmp/out; status=$?; cat /tmp/out; ! grep -q SKIPPED /tmp/out && exit $status' &
wait $!
