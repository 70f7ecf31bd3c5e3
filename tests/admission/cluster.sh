#!/usr/bin/env bash
# An API server with its etcd on loopback ports and in a temporary folder, for tests of what Kubernetes itself makes of our
# manifests: no kubelet, no scheduler, no controllers. Sourced; starts with start_cluster, ends with the shell.
#   start_cluster KUBE_APISERVER_DIR    sets $KUBECONFIG and $cluster_dir; exit 77 where etcd or kubectl is missing

cluster_dir=
cluster_pids=()

stop_cluster() {
  local pid
  # Nothing of it is worth an orderly end, which the API server takes a minute and more for.
  for pid in "${cluster_pids[@]}"; do kill -KILL "$pid" 2> /dev/null || true; done
  for pid in "${cluster_pids[@]}"; do wait "$pid" 2> /dev/null || true; done
  cluster_pids=()
  [[ -n $cluster_dir ]] && rm -rf "$cluster_dir"
  cluster_dir=
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_cluster() {
  local bin=$1 etcd_port peer_port api_port tries
  for tool in etcd kubectl openssl python3; do
    command -v $tool > /dev/null || { echo "skipped: no $tool (Debian: etcd-server; kubectl from Kubernetes)" >&2; exit 77; }
  done
  cluster_dir=$(mktemp -d)
  trap stop_cluster EXIT
  etcd_port=$(free_port) peer_port=$(free_port) api_port=$(free_port)
  ETCD_UNSUPPORTED_ARCH='' etcd --data-dir "$cluster_dir/etcd" --listen-client-urls "http://127.0.0.1:$etcd_port" \
    --advertise-client-urls "http://127.0.0.1:$etcd_port" --listen-peer-urls "http://127.0.0.1:$peer_port" \
    --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" --initial-cluster "default=http://127.0.0.1:$peer_port" \
    > "$cluster_dir/etcd.log" 2>&1 &
  cluster_pids+=($!)
  openssl genrsa -out "$cluster_dir/sa.key" 2048 2> /dev/null
  echo "test-token,admin,admin,system:masters" > "$cluster_dir/tokens.csv"
  "$bin/kube-apiserver" --etcd-servers "http://127.0.0.1:$etcd_port" --secure-port "$api_port" --bind-address 127.0.0.1 \
    --cert-dir "$cluster_dir/certs" --token-auth-file "$cluster_dir/tokens.csv" --authorization-mode RBAC \
    --service-account-key-file "$cluster_dir/sa.key" --service-account-signing-key-file "$cluster_dir/sa.key" \
    --service-account-issuer https://kubernetes.default.svc --service-cluster-ip-range 10.96.0.0/16 \
    --disable-admission-plugins ServiceAccount --audit-log-path "$cluster_dir/audit.log" \
    --audit-policy-file <(printf 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n') \
    > "$cluster_dir/apiserver.log" 2>&1 &
  cluster_pids+=($!)
  export KUBECONFIG=$cluster_dir/kubeconfig
  cat > "$KUBECONFIG" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: t, cluster: {server: "https://127.0.0.1:$api_port", insecure-skip-tls-verify: true}}]
users: [{name: t, user: {token: test-token}}]
contexts: [{name: t, context: {cluster: t, user: t}}]
current-context: t
YAML
  for ((tries = 0; tries < 240; tries++)); do
    [[ $(kubectl get --raw /readyz 2> /dev/null) == ok ]] && return
    kill -0 "${cluster_pids[1]}" 2> /dev/null || break
    sleep 0.5
  done
  echo "the API server did not become ready" >&2
  tail -20 "$cluster_dir/apiserver.log" "$cluster_dir/etcd.log" >&2
  exit 1
}
