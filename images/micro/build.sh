#!/usr/bin/env bash
# Smallest guest that does what the engine relies on: Debian 13's cloud kernel, busybox, dropbear. For tests, so
# that a whole hosting costs seconds under software emulation.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../common/build.sh
source "$here/../common/build.sh"

suite=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=(busybox-static dropbear-bin openssh-sftp-server
  libc6 libcrypt1 libgmp10 libtomcrypt1 libtommath1 zlib1g)
modules=(scsi_common scsi_mod libata ata_piix virtio_blk failover net_failover virtio_net cdrom sr_mod isofs button evdev)

# An apt of our own: the host may run another release, and its lists are none of our business. Packages are
# unpacked, not installed: dependencies of the kernel (initramfs-tools) and sftp-server (the SSH client) are not wanted.
fetch_packages() {
  local mirror kernel
  mirror=$(debian_mirror)
  mkdir -p "$WORK"/apt/{etc/apt/{preferences.d,apt.conf.d,sources.list.d,trusted.gpg.d},var/lib/apt/lists/partial,var/lib/dpkg,var/cache/apt/archives/partial} "$WORK/debs"
  : >"$WORK/apt/var/lib/dpkg/status"
  echo "deb [signed-by=$keyring] $mirror $suite main" >"$WORK/apt/etc/apt/sources.list"
  # Options of the host's apt (a proxy) still apply: APT_CONFIG is read after them, except for the folders here.
  cp -r /etc/apt/apt.conf.d/. "$WORK/apt/etc/apt/apt.conf.d/"
  [[ ! -e /etc/apt/apt.conf ]] || cp /etc/apt/apt.conf "$WORK/apt/etc/apt/apt.conf"
  cat >"$WORK/apt.conf" <<APT
Dir "$WORK/apt";
Dir::State::status "$WORK/apt/var/lib/dpkg/status";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
APT
  export APT_CONFIG=$WORK/apt.conf
  apt-get -qq -o APT::Update::Error-Mode=any update ||
    unreachable "$mirror" "no Debian packages ($suite) from here; set DEBIAN_MIRROR to a mirror this machine can reach"
  kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
  (cd "$WORK/debs" && apt-get -qq download "$kernel" "${packages[@]}") ||
    unreachable "$mirror" "some packages could not be had; set DEBIAN_MIRROR to a complete mirror"
  for deb in "$WORK"/debs/*.deb; do dpkg-deb -x "$deb" "$WORK/packages"; done
}

make_initrd() {
  local from=$WORK/packages to=$WORK/initrd module
  mkdir -p "$to"/{bin,dev,disk,modules}
  cp "$from/usr/bin/busybox" "$to/bin/"
  cp "$here/initrd/init" "$to/init"
  chmod 0755 "$to/init"
  for module in "${modules[@]}"; do
    find "$from/usr/lib/modules" -name "${module//_/[_-]}.ko.xz" -exec xz -dc {} + >"$to/modules/$module.ko"
  done
  # Not compressed: QEMU copies it into the guest's memory at the host's speed, the guest would unpack it at its own.
  (cd "$to" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$WORK/initrd.cpio"
}

make_root() {
  local from=$WORK/packages to=$WORK/root lib=usr/lib/x86_64-linux-gnu applet
  mkdir -p "$to"/{bin,dev,proc,sys,mnt,run,tmp,root,lib64,etc/dropbear,"$lib",home/ubuntu/.ssh,var/{lib/micro,log,www}}
  cp -r "$here/root/." "$to/"
  cp "$from/usr/bin/busybox" "$to/bin/"
  for applet in $("$to/bin/busybox" --list); do ln -sf busybox "$to/bin/$applet"; done
  ln -s bin "$to/sbin"
  cp "$from"/usr/{sbin/dropbear,bin/dropbearkey} "$to/bin/"
  cp "$from/usr/lib/openssh/sftp-server" "$to/usr/lib/"
  (cd "$from/$lib" && cp -a libc.so.6 libcrypt.so.1* libgmp.so.10* libtomcrypt.so.1* libtommath.so.1* libz.so.1* ld-linux-x86-64.so.2 "$to/$lib/")
  ln -s "/$lib/ld-linux-x86-64.so.2" "$to/lib64/"
  ln -s /proc/mounts "$to/etc/mtab"
  cp "$from/usr/bin/busybox" "$to/usr/lib/micro/su"
  chmod 0755 "$to"/usr/lib/micro/* "$to/bin/sudo" "$to/etc/acpi/PWRF/00000080"
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
fetch_packages
phase "making the initrd"
make_initrd
phase "making the disk"
make_root
# A journal this small is mounted and replayed at once; 64 MiB leaves most of it for pages.
mke2fs -q -F -t ext4 -L micro -J size=4 -m 0 -d "$WORK/root" "$WORK/disk.raw" 64M
qcow2_from "$WORK/disk.raw"
phase "unpacking the kernel"
vmlinux_from "$WORK"/packages/boot/vmlinuz-* "$WORK/vmlinux"
deliver "$WORK/initrd.cpio" initrd
deliver "$WORK/vmlinux" vmlinuz
phase "done"
