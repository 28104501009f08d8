#!/usr/bin/env bash
# Boots a built image without libvirt and looks at it the way a user and the engine would: page, SSH, SFTP,
# firewall, restart. For whoever changes a recipe.
#
#   try-boot.sh RECIPE-FOLDER OUT [RUNS]     RUNS > 1 repeats the first boot on fresh disks, for timing
#
# Software emulation on purpose (ACCEL=kvm to change): the figures in README.md are comparable only so.
# shellcheck disable=SC2016 # commands in single quotes are for the guest's shell
set -euo pipefail
recipe=$1 out=$2 runs=${3:-1}
limit=${LIMIT:-240}
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1])).get(sys.argv[2], ""))' "$recipe/recipe.json" "$1"; }
name=$(field name) memory=${MEMORY:-$(field minMemoryMiB)} size=${DISK:-20G}
work=$(mktemp -d "${TMPDIR:-/tmp}/try-boot.XXXXXX")
qemu=
stop() { [[ -z $qemu ]] || { kill "$qemu" 2>/dev/null || true; wait "$qemu" 2>/dev/null || true; qemu=; }; }
trap 'stop; [[ -n ${KEEP:-} ]] || rm -rf "$work"' EXIT
now() { date +%s%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }'; }
# CPU seconds QEMU has used: on a machine that others use too, the better figure to compare.
spent() { awk -v hz="$(getconf CLK_TCK)" '{ printf "%.1f", ($14 + $15) / hz }' "/proc/$qemu/stat"; }
fail() { echo "FAIL: $*" >&2; tail -n 30 "$work/console" >&2; exit 1; }
until_true() { # WHAT COMMAND...
  local what=$1 end=$((SECONDS + limit))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || fail "$what: not within $limit s"
    [[ -z $qemu ]] || kill -0 "$qemu" 2>/dev/null || fail "$what: QEMU has left"
    sleep 0.05
  done
}
check() { # WHAT COMMAND...
  local what=$1
  shift
  "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; fail "$what"; }
  echo "  ok: $what"
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
http=$(free_port) ssh=$(free_port) other=$(free_port)

cidata() { # INSTANCE MARKER
  mkdir -p "$work/cidata"
  cat >"$work/cidata/user-data" <<YAML
#cloud-config
hostname: vm-$1
manage_etc_hosts: true
users:
  - name: ubuntu
    groups:
      - sudo
      - www-data
    shell: /bin/bash
    sudo: ALL=(ALL) NOPASSWD:ALL
    lock_passwd: true
    ssh_authorized_keys:
      - $(cat "$work/key.pub")
write_files:
  - path: /var/www/html/index.html
    owner: ubuntu:ubuntu
    permissions: "0644"
    encoding: b64
    content: $(printf '<html><body>marker %s %s</body></html>' "$2" "$(head -c 3000 /dev/zero | tr '\0' x)" | base64 -w0)
YAML
  printf 'instance-id: 00000000-0000-4000-8000-0000%s\nlocal-hostname: vm-%s\n' "$1" "$1" >"$work/cidata/meta-data"
  genisoimage -quiet -output "$work/cidata.iso" -volid cidata -joliet -rock "$work/cidata/user-data" "$work/cidata/meta-data"
}
fresh_disk() { qemu-img create -q -f qcow2 -b "$(realpath "$out/disk.qcow2")" -F qcow2 "$work/disk.qcow2" "$size"; }
power_on() {
  local boot=()
  [[ $(field boot) != direct-kernel ]] ||
    boot=(-kernel "$out/vmlinuz" -initrd "$out/initrd" -append "${CMDLINE:-$(field cmdline)}")
  started=$(now)
  qemu-system-x86_64 -machine "pc,accel=${ACCEL:-tcg}" -m "$memory" -smp 1 -no-reboot -nodefaults -vga none -display none \
    "${boot[@]}" \
    -drive "file=$work/disk.qcow2,if=none,id=root,discard=unmap" -device virtio-blk-pci,drive=root \
    -drive "file=$work/cidata.iso,if=none,id=ci,readonly=on,format=raw" -device ide-cd,drive=ci,bus=ide.0 \
    -netdev "user,id=n,hostfwd=tcp:127.0.0.1:$http-:80,hostfwd=tcp:127.0.0.1:$ssh-:22,hostfwd=tcp:127.0.0.1:$other-:8080" \
    -device virtio-net-pci,netdev=n \
    -device virtio-serial-pci -chardev "socket,id=qga,path=$work/agent,server=on,wait=off" \
    -device virtserialport,chardev=qga,name=org.qemu.guest_agent.0 \
    -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng \
    -device virtio-balloon-pci \
    -chardev "file,id=console,path=$work/console" -serial chardev:console \
    -monitor "unix:$work/monitor,server=on,wait=off" &
  qemu=$!
}
page_has() { grep -q "$1" < <(curl -s -m "${PROBE:-0.5}" "http://127.0.0.1:$http/"); }
banner() { grep -q SSH- < <(timeout 1 bash -c "exec 3<>/dev/tcp/127.0.0.1/$ssh; head -c4 <&3"); }
options=(-i "$work/key" -o StrictHostKeyChecking=no -o "UserKnownHostsFile=$work/known" -o LogLevel=ERROR -o BatchMode=yes -o ConnectTimeout=30)
in_guest() { timeout "$limit" ssh -n "${options[@]}" -p "$ssh" ubuntu@127.0.0.1 "$@"; }
host_key() { ssh-keyscan -T 30 -t ed25519 -p "$ssh" 127.0.0.1 2>/dev/null | grep -o 'ssh-ed25519 .*'; }
monitor() { python3 - "$work/monitor" "$1" <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.settimeout(10)
said = b""
def prompt():
    global said
    while not said.rstrip().endswith(b"(qemu)"): said += s.recv(4096)
    said = b""
prompt(); s.sendall((sys.argv[2] + "\n").encode()); prompt()
PY
}
agent() { python3 - "$work/agent" <<'PY'
import json, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.settimeout(10)
s.sendall(b'{"execute":"guest-ping"}\n'); sys.exit("return" not in json.loads(s.makefile().readline()))
PY
}
# Pressed again every few seconds: nobody listens to the button while the guest is still coming up.
power_off() {
  local from end=$((SECONDS + limit)) press=0
  from=$(now)
  while kill -0 "$qemu" 2>/dev/null; do
    ((SECONDS < end)) || fail "power button: still on after $limit s"
    if ((SECONDS >= press)); then
      monitor system_powerdown 2>/dev/null || true
      press=$((SECONDS + 5))
    fi
    sleep 0.05
  done
  qemu=
  echo "  ok: power button turns it off ($(since "$from") s)"
}
only_keys() { # USER: the server names the ways in when it refuses
  grep -q 'Permission denied (publickey)' < <(timeout 60 ssh -n -o BatchMode=yes -o PubkeyAuthentication=no \
    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p "$ssh" "$1@127.0.0.1" true 2>&1)
}
root_refused() { ! ssh -n "${options[@]}" -p "$ssh" root@127.0.0.1 true; }
listen_inside() { in_guest 'setsid python3 -m http.server 8080 >/dev/null 2>&1 & for i in $(seq 60); do (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null && exit; sleep 0.5; done; exit 1'; }
shut_out() { ! curl -sf -m 5 -o /dev/null "http://127.0.0.1:$other/"; }

ssh-keygen -q -t ed25519 -N '' -C try-boot -f "$work/key"
for ((run = 1; run <= runs; run++)); do
  stop
  rm -f "$work/disk.qcow2"
  cidata 1a2b3c4d first
  fresh_disk
  power_on
  until_true "page" page_has "marker first"
  echo "$name: first boot: page after $(since "$started") s (CPU $(spent) s)"
  until_true "SSH banner" banner
  echo "$name: first boot: SSH after $(since "$started") s (CPU $(spent) s)"
done
[[ -z ${TIMING_ONLY:-} ]] || exit 0

check "ssh as ubuntu with the key" in_guest 'test "$(whoami)" = ubuntu'
check "sudo without a password, without a word" bash -c "said=\$(timeout 60 ssh -n ${options[*]} -p $ssh ubuntu@127.0.0.1 'sudo -n true' 2>&1) && test -z \"\$said\""
check "host name" in_guest 'test "$(hostname)" = vm-1a2b3c4d'
check "sudo gives root" in_guest 'test "$(sudo -n id -u)" = 0'
check "ubuntu: only keys" only_keys ubuntu
check "root: only keys" only_keys root
check "root login refused" root_refused
printf 'changed by sftp\n' >"$work/index.html"
check "sftp put" sftp -q "${options[@]}" -P "$ssh" -b <(echo "put $work/index.html /var/www/html/index.html") ubuntu@127.0.0.1
check "page changed" page_has "changed by sftp"
if [[ $name != micro ]]; then
  check "cloud-init has finished" in_guest 'timeout 120 cloud-init status --wait'
  check "ufw is active" in_guest 'sudo -n ufw status verbose | tee /dev/stderr | grep -q "Status: active"'
  check "a server on another port" listen_inside
  check "is not reached from outside" shut_out
  check "guest agent answers" agent
  check "root file system has grown" in_guest 'test "$(df --output=size -BG / | tail -n1 | tr -dc 0-9)" -ge 18'
  check "no failed unit" in_guest 'test -z "$(systemctl list-units --failed --no-legend --plain | tee /dev/stderr)"'
fi
key=$(host_key)
power_off
power_on
until_true "page after restart" page_has "changed by sftp"
echo "$name: second boot: page after $(since "$started") s (CPU $(spent) s)"
until_true "SSH banner after restart" banner
check "host key is the same" test "$key" = "$(host_key)"
check "key still lets in" in_guest true
power_off
cidata 5e6f7a8b second
power_on
until_true "page of the new instance" page_has "marker second"
until_true "SSH banner of the new instance" banner
check "new instance-id: new host key" test "$key" != "$(host_key)"
power_off
echo "$name: all good"
