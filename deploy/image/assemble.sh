#!/bin/sh
# Within the build stage: puts together what the image will hold, with times and modes that do not depend on the build.
#   assemble.sh BUILD SOURCE OUT SOURCE_DATE_EPOCH REVISION
set -eu
build=$1 source=$2 out=$3 epoch=$4 revision=$5
rm -rf "$out"
mkdir -p "$out/usr/share/doc/plimsoll"
for program in plimsolld/plimsolld kubectl-plimsoll/kubectl-plimsoll; do
  strip --strip-all -o "$out/${program#*/}" "$build/cmd/$program"
done
install -m 0644 "$source/LICENSE" "$out/usr/share/doc/plimsoll/LICENSE"
python3 "$source/deploy/image/sbom.py" --build "$build" --revision "$revision" --epoch "$epoch" \
  --licences "$out/usr/share/doc/plimsoll/licences" --programs "$out/plimsolld" "$out/kubectl-plimsoll" \
  > "$out/usr/share/doc/plimsoll/sbom.spdx.json"
# A static program has no interpreter; one that had would not start in an image of nothing.
for program in "$out/plimsolld" "$out/kubectl-plimsoll"; do
  if readelf -l "$program" | grep -q INTERP; then
    echo "$program is not static" >&2
    exit 1
  fi
done
chmod 0755 "$out/plimsolld" "$out/kubectl-plimsoll"
find "$out" -exec touch -h -d "@$epoch" {} +
