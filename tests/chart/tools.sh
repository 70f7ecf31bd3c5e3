#!/usr/bin/env bash
# Builds the Kubernetes programs that tests of the chart and of the admission policy need, from their Go modules, once,
# into the cache, and prints the folder that holds them. Needs Go and its module proxy. Exit 77: one of them is missing.
#   tests/chart/tools.sh helm | kube-apiserver
# On two idle cores with an empty module cache helm takes about four minutes and kube-apiserver about ten.
set -euo pipefail
helm_version=${HELM_VERSION:-v3.19.5}
kubernetes_version=${KUBERNETES_VERSION:-v1.35.4}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${PLIMSOLL_CACHE:-$here/../../.cache}
tool=${1:?usage: tools.sh helm|kube-apiserver}

case $tool in
  helm) version=$helm_version ;;
  kube-apiserver) version=$kubernetes_version ;;
  *) echo "tools.sh: no tool $tool" >&2; exit 2 ;;
esac
bin=$cache/$tool/$version
if [[ -x $bin/$tool ]]; then
  realpath "$bin"
  exit 0
fi
command -v go > /dev/null || { echo "skipped: $tool (no Go on this machine)" >&2; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

install_helm() {
  CGO_ENABLED=0 GOBIN=$work GOFLAGS="-buildvcs=false -trimpath" go install \
    -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$version" "helm.sh/helm/v3/cmd/helm@$version"
}

# Kubernetes' module replaces its libraries by folders that are not in it; a module of our own replaces them by their
# releases instead.
install_kube_apiserver() {
  local library=v0.${version#v1.} module=$work/module
  mkdir "$module"
  (
    cd "$module"
    go mod init plimsoll.dev/tools 2> /dev/null
    go mod download -json "k8s.io/kubernetes@$version" > download.json
    go mod edit -json "$(sed -n 's/.*"GoMod": "\(.*\)",/\1/p' download.json)" |
      sed -n 's|.*"Path": "\./staging/src/\(.*\)".*|\1|p' |
      while read -r name; do go mod edit "-replace=$name=$name@$library"; done
    go mod edit "-require=k8s.io/kubernetes@$version"
    CGO_ENABLED=0 GOFLAGS="-buildvcs=false -trimpath -mod=mod" go build -o "$work/kube-apiserver" \
      -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<< "$version")" \
      k8s.io/kubernetes/cmd/kube-apiserver
  )
}

echo "building $tool $version from its Go module, once" >&2
"install_${tool//-/_}" >&2 || { echo "skipped: $tool $version could not be built" >&2; exit 77; }
mkdir -p "$bin"
mv "$work/$tool" "$bin/$tool"
realpath "$bin"
