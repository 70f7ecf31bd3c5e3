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

echo "-- what the chart renders is what the API takes, field by field"
kubectl create namespace rendered > /dev/null
for values in "$here"/../chart/values/*.yaml; do
  "$helm" template plimsoll "$chart" --namespace rendered --kube-version 1.35.0 --values "$values" > "$cluster_dir/rendered.yaml"
  # Kinds of operators that are not here are left out.
  python3 -c 'import sys, yaml
print(yaml.safe_dump_all(d for d in yaml.safe_load_all(sys.stdin)
                         if d and not d["apiVersion"].startswith(("monitoring.coreos.com", "security.openshift.io"))))' \
    < "$cluster_dir/rendered.yaml" > "$cluster_dir/known.yaml"
  kubectl create --dry-run=server --validate=strict -f "$cluster_dir/known.yaml" > "$cluster_dir/taken" 2>&1 ||
    { echo "$values" >&2; cat "$cluster_dir/taken" >&2; exit 1; }
  echo "ok      $(basename "$values"): $(wc -l < "$cluster_dir/taken") objects"
done

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

echo "-- helm uninstall: who may wait, for what, and what is left"
"$helm" upgrade plimsoll "$chart" --namespace plimsoll > /dev/null
"$helm" uninstall plimsoll --namespace plimsoll --timeout 60s > "$cluster_dir/uninstall" 2>&1 &
uninstalling=$!
cluster_pids+=($uninstalling)
for ((tries = 0; tries < 100; tries++)); do
  kubectl -n plimsoll get job plimsoll-uninstall > /dev/null 2>&1 && break
  sleep 0.2
done
if kubectl -n plimsoll get daemonset plimsoll > /dev/null 2>&1; then
  echo "the agents are still wanted while nodes are cleaned" >&2
  exit 1
fi
waiter=system:serviceaccount:plimsoll:plimsoll-uninstall
# No controllers run here, so the DaemonSet's status is told by hand: first one of two nodes is done, then both.
status() {
  kubectl -n plimsoll patch daemonset plimsoll-uninstall --subresource status --type merge -p "{\"status\": {\"observedGeneration\": 1,
    \"desiredNumberScheduled\": 2, \"currentNumberScheduled\": 2, \"updatedNumberScheduled\": 2, \"numberMisscheduled\": 0,
    \"numberReady\": $1, \"numberAvailable\": $1}}" > /dev/null
}
status 1
mapfile -t arguments < <(kubectl -n plimsoll get job plimsoll-uninstall -o json |
  python3 -c 'import json,sys; print("\n".join(json.load(sys.stdin)["spec"]["template"]["spec"]["containers"][0]["args"]))')
if timeout 20 kubectl "${arguments[@]}" --timeout=2s --as="$waiter" > /dev/null 2>&1; then
  echo "did not wait for the second node" >&2
  exit 1
fi
status 2
kubectl "${arguments[@]}" --as="$waiter"
for verb in delete patch create; do
  [[ $(kubectl auth can-i $verb daemonsets -n plimsoll --as="$waiter" 2> /dev/null) == no ]] ||
    { echo "the waiting pod may $verb DaemonSets" >&2; exit 1; }
done
[[ $(kubectl auth can-i get daemonset/other -n plimsoll --as="$waiter" 2> /dev/null) == no ]]
kubectl -n plimsoll patch job plimsoll-uninstall --subresource status --type merge -p '{"status": {"succeeded": 1,
  "startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:00:01Z", "conditions": [
  {"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}]}}' > /dev/null
wait $uninstalling || { cat "$cluster_dir/uninstall" >&2; exit 1; }
kinds=validatingadmissionpolicies,validatingadmissionpolicybindings,daemonsets,configmaps,serviceaccounts,roles,rolebindings,services
left=$(kubectl get $kinds -A -o name | grep plimsoll || true)
[[ -z $left ]] || { echo "left: $left" >&2; exit 1; }
echo "nothing of the release is left"
