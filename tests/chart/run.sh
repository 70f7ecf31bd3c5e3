#!/usr/bin/env bash
# What helm makes of the chart: lint and render with every values file of tests/chart/values, what must be refused, what must
# stand in the result, and whether deploy/plimsoll.yaml is what the chart gives. About a minute once helm is built.
#   tests/chart/run.sh            exit 77: helm cannot be built here
#   tests/chart/run.sh --update   writes deploy/*.yaml and the chart's README anew
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
helm=$("$here/tools.sh" helm)/helm
if [[ ${1:-} == --update ]]; then python3 "$here/check_files.py" --update "$root"; fi
exec python3 "$here/render_test.py" "$helm" "$root" "$@"
