#!/usr/bin/env bash
# Smallest guest that does what the engine relies on: Debian 13's cloud kernel, busybox, dropbear. For tests, so
# that a whole hosting costs seconds under software emulation.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../common/build.sh
source "$here/../common/build.sh"

# The guest agent is Debian's own, so that what is done through it is what is done in every other guest.
packages=(linux-image busybox-static dropbear-bin openssh-sftp-server
  qemu-guest-agent libglib2.0-0t64 libpcre2-8-0 liburing2 libudev1 libcap2 libnuma1 libatomic1
  libc6 libcrypt1 libgmp10 libtomcrypt1 libtommath1 zlib1g)
# The IDE controller early: its probe waits in the background while the rest loads. virtio_rng: without it dropbear
# waits a second for the kernel's random numbers. button and evdev: `virsh shutdown`.
modules=(scsi_common scsi_mod libata ata_piix virtio_blk virtio_rng failover net_failover virtio_net cdrom sr_mod
  isofs button evdev)

make_root() {
  local from=$WORK/packages to=$WORK/root lib=usr/lib/x86_64-linux-gnu applet
  mkdir -p "$to"/{bin,dev,proc,sys,mnt,run,tmp,root,lib64,etc/dropbear,"$lib",home/ubuntu/.ssh,var/{lib/micro,log,www}}
  cp -r "$here/root/." "$to/"
  cp "$from/usr/bin/busybox" "$to/bin/"
  for applet in $("$to/bin/busybox" --list); do
    [[ $applet == busybox ]] || ln -s busybox "$to/bin/$applet"
  done
  ln -s bin "$to/sbin"
  cp "$from"/usr/{sbin/dropbear,bin/dropbearkey} "$to/bin/"
  cp "$from/usr/lib/openssh/sftp-server" "$to/usr/lib/"
  (cd "$from/$lib" && cp -a libc.so.6 libcrypt.so.1* libgmp.so.10* libtomcrypt.so.1* libtommath.so.1* libz.so.1* ld-linux-x86-64.so.2 "$to/$lib/")
  cp "$from/usr/sbin/qemu-ga" "$to/bin/"
  (cd "$from/$lib" && cp -a libglib-2.0.so.0* libgmodule-2.0.so.0* libpcre2-8.so.0* liburing.so.2* libudev.so.1* \
    libcap.so.2* libnuma.so.1* libatomic.so.1* libm.so.6 "$to/$lib/")
  ln -s "/$lib/ld-linux-x86-64.so.2" "$to/lib64/"
  ln -s /proc/mounts "$to/etc/mtab"
  cp "$from/usr/bin/busybox" "$to/usr/lib/micro/su"
  chmod 0755 "$to"/usr/lib/micro/* "$to/usr/lib/webhoster/new-host-key" "$to/bin/sudo" "$to/etc/acpi/PWRF/00000080"
  chown -R 0:0 "$to"
  chown 0:27 "$to/usr/lib/micro/su"
  chmod 4750 "$to/usr/lib/micro/su"
  chown -R 1000:1000 "$to/home/ubuntu" "$to/var/www/html"
  chmod 0700 "$to/home/ubuntu/.ssh" "$to/etc/dropbear" "$to/root"
  chmod 1777 "$to/tmp"
}

need apt-get apt-cache dpkg-deb cpio xz zstd mke2fs qemu-img
begin "$@"
phase "fetching packages"
unpack_debs trixie "$WORK/packages" "${packages[@]}"
phase "making kernel and initrd"
make_kernel "$WORK"/packages/boot/vmlinuz-*
make_initrd "$WORK/packages" "${modules[@]}"
phase "making the disk"
make_root
truncate -s 64M "$WORK/disk.raw"
# A small journal leaves the room to pages; inode tables written now, or every guest would do it while it boots.
mke2fs -q -F -t ext4 -L micro -J size=4 -m 0 -E lazy_itable_init=0 -d "$WORK/root" "$WORK/disk.raw"
qcow2_from "$WORK/disk.raw"
phase "done"
