#!/usr/bin/env bash
# The default guest: Debian 13 from the distribution's own packages, no image downloaded. Everything below that
# leaves something out is there for the first boot, which software emulation makes 10 to 20 times as long as KVM
# does; README.md has the figures.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../common/build.sh
source "$here/../common/build.sh"
# shellcheck source-path=SCRIPTDIR source=../common/guest.sh
source "$here/../common/guest.sh"

suite=trixie
packages=(systemd-sysv udev kmod dbus libpam-systemd cloud-init nginx-light openssh-server sudo systemd-resolved
  systemd-timesyncd qemu-guest-agent ufw unattended-upgrades iproute2 iputils-ping ca-certificates curl nano less
  python3 e2fsprogs rsync)
# Only what the disk, the cloud-init drive and the network need; udev loads the rest from the disk while others work.
modules=(scsi_common scsi_mod libata ata_piix virtio_blk virtio_rng failover net_failover virtio_net cdrom sr_mod isofs)

install_packages() {
  local mirror security components log=$WORK/mmdebstrap.log
  mirror=$(debian_mirror) security=$(debian_security_mirror)
  printf 'deb [signed-by=%s] %s %s main\n' "$DEBIAN_KEYRING" "$mirror" "$suite" \
    "$DEBIAN_KEYRING" "$mirror" "$suite-updates" "$DEBIAN_KEYRING" "$security" "$suite-security" >"$WORK/sources.list"
  components=$(IFS=,; echo "${packages[*]}")
  # No documentation, manuals or translations: they are for a desk, not for a web server that must start fast.
  mmdebstrap --quiet --mode=root --variant=minbase --include="$components" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    "$suite" "$WORK/root" "$WORK/sources.list" 2>"$log" && return
  tail -n 20 "$log" >&2
  ! grep -q -E 'Failed to fetch|Could not (resolve|connect)|Unable to connect|apt-get update .* failed' "$log" ||
    unreachable "$mirror, $security" "some packages could not be had; set DEBIAN_MIRROR and DEBIAN_SECURITY_MIRROR to mirrors this machine can reach"
  return 1
}

# The kernel belongs to the node (the domain starts it directly), so it is no package of the guest: an upgrade in
# there could only take away the modules of the kernel that runs.
install_modules() {
  cp -r "$WORK/packages/usr/lib/modules" "$WORK/root/usr/lib/"
  in_root "$WORK/root" depmod "$(ls "$WORK/root/usr/lib/modules")"
}

configure() {
  local root=$1
  set_up_guest "$root"
  cp -r --no-preserve=ownership "$here/root/." "$root/"
  chown -R 0:0 "$root/etc/systemd"
  cat >"$root/etc/apt/sources.list" <<APT
deb http://deb.debian.org/debian $suite main
deb http://deb.debian.org/debian $suite-updates main
deb http://deb.debian.org/debian-security $suite-security main
APT
  rm -f "$root"/etc/apt/sources.list.d/*
  # systemd's own growing (one ioctl) instead of cloud-init's resize2fs; the file system is the whole disk.
  echo '/dev/vda / ext4 defaults,noatime,x-systemd.growfs 0 0' >"$root/etc/fstab"
  echo 'LANG=C.UTF-8' >"$root/etc/default/locale"
  ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
  cut_boot "$root"
}

cut_boot() {
  local root=$1 generator
  # Housekeeping that is either long overdue on a new guest (and would run at once) or pointless on this hardware.
  in_root "$root" systemctl --quiet mask e2scrub_all.timer e2scrub_reap.service fstrim.timer dpkg-db-backup.timer \
    systemd-pstore.service systemd-binfmt.service systemd-hwdb-update.service cloud-init-hotplugd.socket \
    proc-sys-fs-binfmt_misc.automount dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    sys-fs-fuse-connections.mount systemd-rfkill.socket systemd-tpm2-setup.service systemd-tpm2-setup-early.service \
    systemd-pcrmachine.service systemd-pcrphase.service systemd-pcrphase-sysinit.service \
    systemd-udev-load-credentials.service systemd-network-generator.service systemd-hibernate-clear.service \
    modprobe@drm.service modprobe@configfs.service modprobe@fuse.service sys-kernel-config.mount \
    systemd-networkd-persistent-storage.service
  # The initrd mounts the root read-write, as it stays.
  in_root "$root" systemctl --quiet mask systemd-remount-fs.service
  # cloud-init makes the host key; ssh-keygen -A would also make the kinds that sshd is told not to use.
  in_root "$root" systemctl --quiet mask sshd-keygen.service
  # Generators run one after the other before the first unit does; these look for what this machine cannot have.
  mkdir -p "$root/etc/systemd/system-generators"
  for generator in debug getty gpt-auto hibernate-resume run ssh system-update tpm2; do
    ln -s /dev/null "$root/etc/systemd/system-generators/systemd-$generator-generator"
  done
  # Nobody can log in there: the user has no password. The console still shows the boot.
  in_root "$root" systemctl --quiet mask getty@tty1.service serial-getty@ttyS0.service console-getty.service
  # Started by late.service instead, when the page is up.
  in_root "$root" systemctl --quiet disable systemd-resolved.service systemd-timesyncd.service
  in_root "$root" systemctl --quiet enable late.service
  # sshd is up before the rest of the system: whoever gets its banner must be let in.
  ln -s /dev/null "$root/etc/tmpfiles.d/systemd-nologin.conf"
  # First-boot chores done here: library cache, message catalogue; .updated tells systemd so.
  in_root "$root" ldconfig
  in_root "$root" journalctl --update-catalog
  touch "$root/etc/.updated" "$root/var/.updated"
}

make_disk() {
  truncate -s 2G "$WORK/disk.raw"
  mke2fs -q -F -t ext4 -L root -m 1 -E lazy_itable_init=0 -d "$WORK/root" "$WORK/disk.raw"
  qcow2_from "$WORK/disk.raw"
}

need apt-get apt-cache mmdebstrap dpkg-deb cpio xz zstd mke2fs qemu-img unshare
begin "$@"
phase "fetching the kernel"
unpack_debs "$suite" "$WORK/packages" linux-image busybox-static
phase "installing packages"
install_packages
install_modules
phase "configuring"
configure "$WORK/root"
forget_build "$WORK/root"
phase "making kernel and initrd"
make_kernel "$WORK"/packages/boot/vmlinuz-*
make_initrd "$WORK/packages" "${modules[@]}"
phase "making the disk"
make_disk
phase "done"
