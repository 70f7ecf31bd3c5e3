#!/usr/bin/env bash
# Builds the small machine that the tests run in: kernel, initrd and root disk of one Debian suite, from Debian's own
# packages, without loop mounts and without KVM. The result is cached; a change of any input builds it anew.
#
#   tests/vm/build-image.sh [--force] bookworm|trixie|sid
#
# Result: ${PLIMSOLL_CACHE:-<repo>/.cache}/vm/<suite>/{kernel,initrd,rootfs.ext4,versions,key}, renamed into place
# when complete. Needs root, mmdebstrap, e2fsprogs, qemu-system-x86 and python3. Exit 77: one of them is missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
cache=${PLIMSOLL_CACHE:-$repo/.cache}/vm
PATH=$PATH:/usr/sbin:/sbin

force=
[[ ${1:-} == --force ]] && force=1 && shift
suite=${1:-}
case $suite in
  # Its containerd has no NRI: for tests of the kernel only. Its packages still count on links from /bin to /usr/bin.
  bookworm) mmdebstrap_opts=(--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr) ;;
  trixie) mmdebstrap_opts=() ;;
  # The mirror's Release file of sid may have lapsed; what is fetched is still signed.
  sid) mmdebstrap_opts=(--aptopt='Acquire::Check-Valid-Until "false"') ;;
  *) echo "usage: $0 [--force] bookworm|trixie|sid" >&2; exit 2 ;;
esac
mirror=${PLIMSOLL_MIRROR:-http://deb.debian.org/debian}

packages=linux-image-cloud-amd64,containerd,runc,containernetworking-plugins,busybox-static,kmod,iproute2
packages+=,util-linux,procps,bash,dash,coreutils,grep,sed,gawk,liblzma5,libzstd1

started=$SECONDS
say() { printf 'vm image %s: %s (%d s)\n' "$suite" "$1" $((SECONDS - started)); }

inputs() { cat "$here/build-image.sh" "$here/oci_image.py" "$here"/guest/*; printf '%s\n' "$suite" "$mirror"; }
key=$(inputs | sha256sum | cut -d' ' -f1)
current() { [[ -z $force && -f $cache/$suite/key && $(cat "$cache/$suite/key") == "$key" ]]; }
current && exit 0

missing() { echo "vm image $suite: SKIPPED: $1"; exit 77; }
[[ $(id -u) == 0 ]] || missing "needs root for mmdebstrap"
for tool in mmdebstrap mke2fs qemu-system-x86_64 python3; do
  command -v $tool > /dev/null || missing "$tool is not installed"
done

mkdir -p "$cache"
exec 9> "$cache/$suite.lock"
flock -n 9 || { say "waiting for another build of the same image"; flock 9; }
current && exit 0

rm -rf "$cache/.$suite".*  # left by a build that was killed; we hold the lock
work=$(mktemp -d "$cache/.$suite.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
root=$work/root
out=$work/out
mkdir "$out"

# "extract": unpacked, not configured. No maintainer script runs, so it is quick and needs no init, udev or dpkg inside.
fetchRoot() {
  mmdebstrap --quiet --variant=extract --architectures=amd64 --include=$packages \
    --aptopt='APT::Install-Recommends "false"' "${mmdebstrap_opts[@]}" "$suite" "$root" "$mirror" \
    > "$work/mmdebstrap.log" 2>&1 9>&- || { cat "$work/mmdebstrap.log"; exit 1; }
}

trimRoot() {
  local keep plugin
  rm -rf "$root"/usr/share/{doc,man,info,locale,lintian,bug,zsh,bash-completion,perl5,initramfs-tools} \
    "$root"/usr/lib/{udev,systemd,klibc} "$root"/var/cache/apt "$root"/boot/System.map* "$root"/usr/lib/modules/*/System.map
  for plugin in "$root"/usr/lib/cni/*; do
    keep=" bridge ptp loopback host-local "
    [[ $keep == *" ${plugin##*/} "* ]] || rm -f "$plugin"
  done
}

configureRoot() {
  local applet
  echo root:x:0:0:root:/root:/bin/bash > "$root/etc/passwd"
  echo root:x:0: > "$root/etc/group"
  echo plimsoll-vm > "$root/etc/hostname"
  printf '127.0.0.1 localhost plimsoll-vm\n' > "$root/etc/hosts"
  : > "$root/etc/resolv.conf"  # CRI copies it into pods and fails without
  ln -sf /proc/mounts "$root/etc/mtab"
  rm -rf "$root/var/run" && ln -s /run "$root/var/run"
  [[ -e $root/bin/sh ]] || ln -s dash "$root/bin/sh"
  mkdir -p "$root/usr/local/busybox"
  for applet in $("$root/usr/bin/busybox" --list); do
    ln -sf /usr/bin/busybox "$root/usr/local/busybox/$applet"
  done
  install -D -m 755 "$here/guest/init" "$root/usr/lib/plimsoll-vm/init"
  install -D -m 755 "$here/guest/containerd-ctl" "$root/usr/local/bin/containerd-ctl"
  install -D -m 644 "$here/guest/containerd.toml" "$root/etc/containerd/config.toml"
  install -D -m 644 "$here/guest/net.conflist" "$root/etc/cni/net.d/10-plimsoll.conflist"
  mkdir -p "$root"/{proc,sys,dev,run,tmp,payload,data,results,var/log,var/lib/plimsoll-vm}
}

makeImages() {
  python3 "$here/oci_image.py" --busybox "$root/usr/bin/busybox" plimsoll.test/busybox:1 \
    "$root/var/lib/plimsoll-vm/busybox.tar"
  python3 "$here/oci_image.py" --busybox "$root/usr/bin/busybox" --pause plimsoll.test/pause:1 \
    "$root/var/lib/plimsoll-vm/pause.tar"
}

# An initrd of busybox and the few modules that lie between the kernel and its root disk.
makeInitrd() {
  local tree=$root/initrd release=$1 module
  mkdir -p "$tree"/{bin,dev,proc,root,modules}
  cp "$root/usr/bin/busybox" "$tree/bin/busybox"
  install -m 755 "$here/guest/initrd-init" "$tree/init"
  for module in virtio_pci virtio_blk ext4; do
    chroot "$root" modprobe -S "$release" --show-depends $module
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' > "$work/modules"
  while read -r module; do
    cp "$root$module" "$tree/modules/"
    echo "${module##*/}" >> "$tree/modules/order"
  done < "$work/modules"
  touch "$tree/modules/order"
  chroot "$root" /usr/bin/busybox sh -c 'cd /initrd && busybox find . | busybox cpio -o -H newc' > "$out/initrd" \
    2> /dev/null
  rm -rf "$tree"
}

say "fetching and unpacking Debian's packages"
fetchRoot
release=$(basename "$root"/usr/lib/modules/*)
say "kernel $release; putting the root together"
trimRoot
configureRoot
chroot "$root" /usr/sbin/depmod "$release"
makeImages
makeInitrd "$release"
# Debian 13 has the kernel in /boot, later releases beside its modules.
find "$root/boot/vmlinuz-$release" "$root/usr/lib/modules/$release/vmlinuz" -exec mv {} "$out/kernel" \; 2> /dev/null || true
rm -rf "$root/boot"
[[ -s $out/kernel ]] || { echo "vm image $suite: the packages hold no kernel $release" >&2; exit 1; }

say "writing the root disk"
mke2fs -q -F -t ext4 -O ^has_journal -E lazy_itable_init=1,nodiscard -m 0 -d "$root" "$out/rootfs.ext4" 2G > "$work/mke2fs.log"
rm -rf --one-file-system "$root"

say "booting once to import the test images"
"$here/run.py" --image "$out" --prepare --timeout 180 9>&-

echo "$key" > "$out/key"
rm -rf "$cache/$suite.old"
[[ ! -e $cache/$suite ]] || mv "$cache/$suite" "$cache/$suite.old"
mv "$out" "$cache/$suite"
rm -rf "$cache/$suite.old"
say "ready: $(du -sh "$cache/$suite" | cut -f1) in $cache/$suite"
