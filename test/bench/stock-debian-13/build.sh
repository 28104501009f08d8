#!/usr/bin/env bash
# What images/debian-13 is measured beside: the same packages of the same release, installed and then left as they come,
# with the distribution's own kernel, initrd and cloud-init. No cloud image is downloaded, so that it can be made where
# only a package mirror is reachable; Debian's own image is made of these packages, too.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../../images/common/build.sh
source "$here/../../../images/common/build.sh"

suite=trixie
packages=(systemd-sysv udev kmod dbus libpam-systemd cloud-init cloud-guest-utils netplan.io nginx-light openssh-server
  sudo systemd-resolved systemd-timesyncd qemu-guest-agent ufw unattended-upgrades iproute2 iputils-ping
  ca-certificates curl nano less python3 e2fsprogs linux-image-cloud-amd64 initramfs-tools zstd)

need mmdebstrap mke2fs qemu-img
begin "$@"
phase "installing packages"
# the page's owner is there before cloud-init writes the page
# shellcheck disable=SC2016 # mmdebstrap's own variable
mmdebstrap --quiet --mode=root --variant=important \
  --customize-hook='chroot "$1" useradd --uid 1000 --user-group --create-home --shell /bin/bash ubuntu' \
  --include="$(IFS=,; echo "${packages[*]}")" \
  "$suite" "$WORK/root" "deb [signed-by=$DEBIAN_KEYRING] $(debian_mirror) $suite main" 2>"$WORK/mmdebstrap.log" ||
  { tail -n 20 "$WORK/mmdebstrap.log" >&2; exit 1; }
# what Debian's own image has beside its packages
echo '/dev/vda / ext4 rw,discard,errors=remount-ro 0 1' >"$WORK/root/etc/fstab"
rm -f "$WORK"/root/etc/ssh/ssh_host_* "$WORK/root/var/www/html/index.nginx-debian.html"
: >"$WORK/root/etc/machine-id"
echo localhost >"$WORK/root/etc/hostname"
printf 'datasource_list: [ NoCloud, None ]\n' >"$WORK/root/etc/cloud/cloud.cfg.d/90_dpkg.cfg"
phase "making the disk"
deliver "$(echo "$WORK"/root/boot/vmlinuz-*)" vmlinuz
deliver "$(echo "$WORK"/root/boot/initrd.img-*)" initrd
truncate -s 3G "$WORK/disk.raw"
mke2fs -q -F -t ext4 -L root -d "$WORK/root" "$WORK/disk.raw"
qcow2_from "$WORK/disk.raw"
phase "done"
