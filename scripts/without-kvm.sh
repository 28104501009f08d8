#!/usr/bin/env bash
# Runs a program that cannot see /dev/kvm, for libvirtd where the device exists but QEMU is not allowed to open it. The
# program gets its own /dev with everything else in it. A mount over just the device would be enough for libvirtd, but
# libvirt copies such mounts to the namespace of each VM, and fails.
#   scripts/without-kvm.sh libvirtd --daemon
set -euo pipefail
[ $# -gt 0 ] || { sed -n '2,5s/^# //p' "$0"; exit 2; }
[ "${WITHOUT_KVM:-}" = here ] || exec env WITHOUT_KVM=here unshare --mount --propagation slave "$0" "$@"
unset WITHOUT_KVM
own=$(mktemp -d)
mount -t tmpfs -o mode=755,nosuid tmpfs "$own"
for entry in /dev/*; do
  name=${entry#/dev/}
  [ "$name" != kvm ] || continue
  if mountpoint -q "$entry"; then
    if [ -d "$entry" ]; then mkdir "$own/$name"; else : >"$own/$name"; fi
    mount --rbind "$entry" "$own/$name"
  else
    cp -a "$entry" "$own/"
  fi
done
# what stays below would be listed among the mounts, and libvirt would look for it
while mountpoint -q /dev; do umount --lazy /dev; done
mount --move "$own" /dev
rmdir "$own"
exec "$@"
