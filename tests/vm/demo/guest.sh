#!/bin/sh
# The demo, inside the virtual machine: the agent in a pod, five pods of a shop, and what the kernel got.
set -u
cd /payload/demo || exit 1
say() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }
show() { printf '\033[2m$ %s\033[0m\n' "$*"; "$@"; }

say "the node: $(uname -r), $(containerd --version | cut -d' ' -f3), cgroup v2: $(cat /sys/fs/cgroup/cgroup.controllers)"
mkdir -p /etc/plimsoll /run/plimsoll
cp node.yaml /etc/plimsoll/node.yaml

say "starting plimsolld in a pod of its own"
podctl run agent-pod.yaml || exit 1
tries=0
# The agent lists its own container once the runtime has told it what runs.
until kubectl-plimsoll get -A 2> /dev/null | grep -q plimsolld; do
  tries=$((tries + 1))
  [ $tries -gt 100 ] && { podctl logs plimsolld -n plimsoll; exit 1; }
  sleep 0.2
done
show kubectl-plimsoll version
show kubectl-plimsoll get nodes

for manifest in [1-5]-*.yaml; do
  pod=$(sed -n 's/^  name: //p' "$manifest" | head -1)
  say "$manifest asks:"
  sed -n '/^  annotations:/,/^spec:/{/^spec:/!p}' "$manifest"
  podctl run "$manifest"
  show kubectl-plimsoll describe "$pod" -n shop
done
say "the container \"index\" printed, as its first act:"
podctl logs search -n shop -c index

say "all pods at a glance"
show kubectl-plimsoll get -A
say "what a setting means"
show kubectl-plimsoll explain memory.high
say "the mistake, found before it is deployed"
show kubectl-plimsoll lint -f 5-mistake.yaml
say "what happened"
show kubectl-plimsoll events -A
say "done; the pods go, the machine is switched off"
podctl rm --all --grace 0 > /dev/null
