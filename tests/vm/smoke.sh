#!/usr/bin/env bash
# Is the test machine what the tests take it for? Boots it, looks at the node, and runs pods through podctl.
#   tests/vm/smoke.sh trixie|sid DIRECTORY-OF-PODCTL
# Exit 77: the machine cannot be built or run here, with the reason.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
suite=$1
programs=$2
payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT
# Asked for by name here, so that a signal to us is passed on and run.py can clear up.
trap 'kill -TERM $! 2> /dev/null; wait; exit 143' INT TERM
"$here/payload.sh" "$payload" "$here/smoke_guest.sh" "$programs/podctl" "$programs/podctl_guest_test"
"$here/run.py" --suite "$suite" --payload "$payload" --timeout 400 --command "./smoke_guest.sh $suite" &
wait $!
