#!/usr/bin/env bash
# The agent's tests on a real kernel behind a real containerd: boots the machine and runs vm_suite in it.
#   tests/vm/suite.sh trixie|sid BUILD_DIR [GTEST_ARGUMENT...]
# Exit 77: the machine cannot be built or run here, with the reason.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
suite=$1
build=$2
shift 2
payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT
trap 'kill -TERM $! 2> /dev/null; wait; exit 143' INT TERM
"$here/payload.sh" "$payload" "$build/cmd/plimsolld/plimsolld" "$build/cmd/kubectl-plimsoll/kubectl-plimsoll" \
  "$build/tests/support/podctl/podctl" "$build/tests/vm/suite/vm_suite" "$build/tests/integration/random_ops_test"
cp -r "$here/demo" "$here/../../deploy/security/seccomp.json" "$payload"
mv "$payload/seccomp.json" "$payload/demo/"
# With everything, random operations on this kernel too.
random=
if [[ $# == 0 ]]; then random=' && PLIMSOLLD=$PWD/plimsolld ./random_ops_test "--gtest_filter=*Real*"'; fi
"$here/run.py" --suite "$suite" --payload "$payload" --timeout "${VM_TIMEOUT:-900}" \
  --command "PLIMSOLL_CHURN=${PLIMSOLL_CHURN:-25} PLIMSOLL_PROFILE=${PLIMSOLL_PROFILE:-processes} ./vm_suite ${*@Q}$random" &
wait $!
