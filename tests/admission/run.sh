#!/usr/bin/env bash
# The chart's admission policy on a real API server: installed, tried with the table of cases and with every setting's own
# example, with Warn and with Deny; then what it costs, and helm's own install and uninstall as far as the API goes.
#   tests/admission/run.sh DEPLOYGEN
# Needs what tools.sh needs (Go and its module proxy, once), Debian's etcd-server, kubectl. Exit 77: something is missing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
chart=$here/../../charts/plimsoll
deploygen=${1:?usage: run.sh DEPLOYGEN}
helm=$("$here/../chart/tools.sh" helm)/helm
apiserver=$("$here/../chart/tools.sh" kube-apiserver)
. "$here/cluster.sh"
start_cluster "$apiserver"
echo "API server $(kubectl version -o json 2> /dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)["serverVersion"]["gitVersion"])')"
kubectl create namespace demo > /dev/null
"$deploygen" --examples > "$cluster_dir/examples"

# A policy is in force when it says so; the API server looks for new ones every second.
until_in_force() {
  local tries said
  for ((tries = 0; tries < 60; tries++)); do
    said=$(kubectl -n demo create --dry-run=server -f - 2>&1 > /dev/null <<< "$probe" || true)
    [[ $said == *"$1"* ]] && return
    sleep 0.5
  done
  echo "the policy did not come into force" >&2
  return 1
}
probe='{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "annotations": {"plimsoll.dev/nothing": "1"}},
  "spec": {"containers": [{"name": "app", "image": "x"}]}}'

"$helm" install plimsoll "$chart" --namespace plimsoll --create-namespace > "$cluster_dir/notes"
grep -q "Wait for it" "$cluster_dir/notes"
until_in_force "Warning: "
"$here/run.py" "$here/cases.yaml" "$cluster_dir/examples"

echo "-- denied by value; workloads are warned about all the same"
"$helm" upgrade plimsoll "$chart" --namespace plimsoll --set 'admission.actions={Deny,Audit}' > /dev/null
until_in_force "denied request"
cat > "$cluster_dir/deny.yaml" <<'YAML'
- name: a typo is denied
  annotations: {plimsoll.dev/memory.hihg: 1Gi}
  denied: "plimsoll.dev/memory.hihg: no such setting"
- name: what is right passes
  annotations: {plimsoll.dev/memory.high: 1Gi}
- name: a Deployment is warned about
  kind: Deployment
  annotations: {plimsoll.dev/memory.hihg: 1Gi}
  warnings: ["plimsoll.dev/memory.hihg: no such setting"]
YAML
"$here/run.py" "$cluster_dir/deny.yaml" "$cluster_dir/examples"

echo "-- what it costs, by the API server's own clock"
python3 "$here/cost.py"

echo "-- helm uninstall leaves nothing of the release"
"$helm" uninstall plimsoll --namespace plimsoll --no-hooks > /dev/null
left=$(kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings,daemonsets,configmaps,serviceaccounts -A -o name | grep plimsoll || true)
[[ -z $left ]] || { echo "left: $left" >&2; exit 1; }
echo "done"
