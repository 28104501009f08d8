# shellcheck shell=bash
# libvirtd, answering, and seeing /dev/kvm as QEMU will: needs processes.sh and environment.sh.
#
# libvirt probes QEMU as root and looks afterwards whether QEMU's own user may open /dev/kvm. Where the two differ it throws
# what it found away and probes anew, for 4 to 12 s, at every start of a VM and at every question about capabilities.

KVM=/dev/kvm
# The user and group that QEMU runs as: libvirt's settings, else what the distribution built in.
qemu_user() { sed -n "s/^ *user *= *[\"']\(.*\)[\"'].*/\1/p" /etc/libvirt/qemu.conf 2>/dev/null | tail -n 1 | grep . || echo libvirt-qemu; }
# kvm_closed: the device is there, and QEMU's user may not open it.
kvm_closed() {
  local user
  user=$(qemu_user)
  [ -e "$KVM" ] && id "$user" >/dev/null 2>&1 || return 1
  ! setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups -- bash -c "[ -r $KVM ] && [ -w $KVM ]"
}
# As the distribution's udev rule has it: group kvm, 0660. Fails where the machine does not let us.
open_kvm() {
  getent group kvm >/dev/null && chgrp kvm "$KVM" && chmod 0660 "$KVM" || return
  # where no udev runs nobody would do so after the next boot
  [ ! -d /run/systemd/system ] || echo "z $KVM 0660 root kvm" >/etc/tmpfiles.d/vm-webhoster-kvm.conf
  ! kvm_closed
}

libvirt_answers() { timeout 10 virsh --connect "$LIBVIRT_URI" --quiet uri >/dev/null 2>&1; }
# Without virtlogd libvirtd answers, and no VM starts; systemd listens in its place and starts it.
# The list of sockets is the network namespace's: one of that path may be another root's.
log_daemon_listens() { [ -d /run/systemd/system ] || { [ -S /run/libvirt/virtlogd-sock ] && ss -Hxl | grep -q ' /[a-z/]*run/libvirt/virtlogd-sock '; }; }
need_libvirt() { ! libvirt_answers || ! log_daemon_listens || { kvm_closed && ! kvm_hidden; }; }
do_libvirt() {
  local blind=''
  if kvm_closed; then
    if open_kvm; then
      say "QEMU was not allowed to open $KVM: it now has group kvm and mode 0660, as the distribution sets them"
    else
      say "QEMU is not allowed to open $KVM, and that cannot be changed here: it is hidden from libvirtd, and VMs are emulated"
      blind=1
    fi
  fi
  if [ -d /run/systemd/system ]; then
    start_libvirt_unit
  else
    # no init system here: these are ours, and stop.sh ends them by these pid files
    start_own_libvirt
  fi
  wait_for 10 log_daemon_listens || fail "virtlogd was started but does not listen; see /var/log/libvirt"
  wait_for 30 libvirt_answers || fail "libvirtd was started but does not answer at $LIBVIRT_URI; see journalctl -u libvirtd or /var/log/libvirt"
}

# kvm_hidden: the libvirtd that runs sees something else in the place of the device.
kvm_hidden() {
  local pid
  pid=$(pgrep -o -x libvirtd) || return 1
  [ ! -e "/proc/$pid/root$KVM" ]
}

BLIND_UNIT=/etc/systemd/system/libvirtd.service.d/vm-webhoster-kvm.conf
start_libvirt_unit() {
  if [ -n "$blind" ] && ! kvm_hidden; then
    install -d "${BLIND_UNIT%/*}"
    cat >"$BLIND_UNIT" <<UNIT
# QEMU is not allowed to open $KVM here; written by scripts/start.sh
[Service]
ExecStart=
ExecStart=$ROOT/scripts/without-kvm.sh $(command -v libvirtd) \$LIBVIRTD_ARGS
UNIT
    systemctl daemon-reload
    systemctl restart libvirtd
  fi
  systemctl enable --now libvirtd
}
start_own_libvirt() {
  install -d -m 0700 "$RUN_DIR"
  log_daemon_listens || virtlogd --daemon --pid-file "$RUN_DIR/virtlogd.pid"
  if [ -z "$blind" ]; then
    libvirt_answers || libvirtd --daemon --pid-file "$RUN_DIR/libvirtd.pid"
    return
  fi
  if libvirt_answers; then stop_pid "$RUN_DIR/libvirtd.pid" libvirtd 20; fi
  ! libvirt_answers || fail "QEMU is not allowed to open $KVM, and libvirtd was started by someone else: stop it and run this again, or give $KVM the group kvm and mode 0660"
  "$ROOT/scripts/without-kvm.sh" libvirtd --daemon --pid-file "$RUN_DIR/libvirtd.pid"
}
