#!/bin/bash
# Inside the test machine: checks of the node, then podctl's own tests against the real containerd.
suite=$1
failures=0

check() {
  local what=$1
  shift
  if "$@"; then
    echo "ok      $what"
  else
    echo "FAILED  $what"
    failures=$((failures + 1))
  fi
}

controllersAreAll() {
  local controller
  for controller in cpuset cpu io memory hugetlb pids; do
    grep -qw $controller /sys/fs/cgroup/cgroup.subtree_control || return 1
  done
}

versionsAreTheSuites() {
  case $suite in
    trixie) [[ $(uname -r) == 6.12.* && $(containerd --version) == *" 1.7."* ]] ;;
    sid) [[ $(uname -r) == [7-9].* && $(containerd --version) == *" 2."* ]] ;;
  esac
}

pureCgroupV2() { [[ $(stat -fc %T /sys/fs/cgroup) == cgroup2fs ]] && ! grep -q ' cgroup ' /proc/mounts; }
swapIsOn() { grep -q zram /proc/swaps; }
hugepagesAreThere() { [[ $(cat /proc/sys/vm/nr_hugepages) == 8 ]]; }
dataDiskIsWritable() { echo x > /data/x && [[ $(stat -fc %T /data) == ext* ]] && rm /data/x; }
payloadIsReadOnly() { ! touch /payload/x 2> /dev/null; }

# A pod outlives its runtime, and the runtime that comes back knows it.
podsOutliveContainerd() {
  local name="survivor" cgroup before after
  podctl run - > /dev/null << YAML || return 1
kind: Pod
metadata: {name: $name}
spec:
  hostNetwork: true
  containers: [{name: main, image: "plimsoll.test/busybox:1", command: [sleep, "3600"]}]
YAML
  cgroup=$(podctl cgroup $name) || return 1
  before=$(cat "$cgroup/cgroup.procs")
  containerd-ctl kill && containerd-ctl start || return 1
  after=$(cat "$cgroup/cgroup.procs")
  [[ -n $before && $before == "$after" ]] || return 1
  podctl wait $name --for running && podctl rm $name > /dev/null && [[ ! -e $cgroup ]]
}

echo "$(uname -r), $(containerd --version | cut -d' ' -f2-3), $(runc --version | head -n 1), up $(cut -d' ' -f1 /proc/uptime) s"
check "only cgroup v2 is mounted" pureCgroupV2
check "controllers: $(cat /sys/fs/cgroup/cgroup.subtree_control)" controllersAreAll
check "kernel and containerd are those of $suite" versionsAreTheSuites
check "NRI's socket is there" test -S /var/run/nri/nri.sock
check "BPF file system and BTF" test -d /sys/fs/bpf -a -r /sys/kernel/btf/vmlinux
check "swap is on" swapIsOn
check "eight huge pages" hugepagesAreThere
check "/data is a writable disk" dataDiskIsWritable
check "/payload is read-only" payloadIsReadOnly
check "containerd answers CRI: $(podctl version)" podctl version
check "podctl against containerd" podctl_guest_test --gtest_brief=1 --gtest_color=no
check "pods outlive kill -9 of containerd" podsOutliveContainerd
exit $((failures > 0))
