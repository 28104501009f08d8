#!/usr/bin/env bash
# Checks a VM from outside and inside: SSH and its host key, sudo, the web root, the firewall, memory and disk.
# Creates a VM for this purpose and deletes it.
#
#   ./scripts/test-vm.sh
# shellcheck disable=SC2317 # the checks are called by name
set -euo pipefail
# shellcheck source=scripts/lib/client.sh
. "$(dirname "$0")/lib/client.sh"
usage_of "$0" "$@"

# in_vm asks for strict checking against the announced keys alone: any other key would have ended it.
lets_in() {
  [ -s "$WORK/known_hosts" ] || { echo "no host key was announced"; return 1; }
  same user "$(in_vm id -un)" ubuntu && FOUND=$(cut -d' ' -f2,3 "$WORK/known_hosts" | cut -c1-40 | head -n 1)…
}
wrong_key_refused() {
  local host key
  read -r host key _ <"$WORK/known_hosts"
  # the same line with another key of the same kind: 32 zero bytes
  printf '%s %s %s\n' "$host" "$key" "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" >"$WORK/wrong_hosts"
  ! ssh -i "$WORK/key" -o UserKnownHostsFile="$WORK/wrong_hosts" "${SSH_OPTIONS[@]}" "${SSH_WORDS[@]:1}" true || { echo "a wrong host key was accepted"; return 1; }
}
# The server names what it would take when it takes nothing: only a key may be there.
only_keys() {
  local output
  output=$(ssh -o UserKnownHostsFile="$WORK/known_hosts" "${SSH_OPTIONS[@]}" -o PubkeyAuthentication=no -o PreferredAuthentications=none "${SSH_WORDS[@]:1}" true 2>&1) && { echo "logged in without a key"; return 1; }
  FOUND=$(tr -d '\r' <<<"${output##*: }")
  same answer "$FOUND" 'Permission denied (publickey).'
}
root_refused() {
  local output words=("${SSH_WORDS[@]:1}")
  output=$(ssh -i "$WORK/key" -o UserKnownHostsFile="$WORK/known_hosts" "${SSH_OPTIONS[@]}" "${words[@]/#*@/root@}" true 2>&1) && { echo "root was able to log in"; return 1; }
  grep -q 'Permission denied' <<<"$output" || { echo "$output"; return 1; }
}
is_root() { same 'user id' "$(in_vm sudo -n id -u)" 0; }
own_name() { FOUND=$(in_vm hostname) && same hostname "$FOUND" "$VM" && in_vm "grep -qw $VM /etc/hosts"; }
# As the web root's owner, without sudo; a folder and a page beside the first one.
writes_pages() {
  printf '<h1>%s</h1>\n' "$USERNAME writes" >"$WORK/index.html"
  printf 'mkdir /var/www/html/more\nput %s /var/www/html/index.html\nput %s /var/www/html/more/index.html\nls -l /var/www/html\n' "$WORK/index.html" "$WORK/index.html" | sftp_batch
}
# What the kernel keeps for itself is missing from MemTotal: a third of the smallest VM, little of a large one.
right_memory() {
  local kib mib
  kib=$(in_vm awk "'/^MemTotal/ { print \$2 }'" /proc/meminfo) && mib=$((kib / 1024)) || return
  FOUND="$mib of $MEMORY_MIB MiB"
  [ "$mib" -le "$MEMORY_MIB" ] && [ $((mib * 100)) -ge $((MEMORY_MIB * 60)) ]
}
right_disk() {
  local sectors
  sectors=$(in_vm cat /sys/block/vda/size) || return
  FOUND="$((sectors / 2097152)) of $DISK_GIB GiB"
  same sectors "$sectors" "$((DISK_GIB * 2097152))"
}
has_ufw() { in_vm test -x /usr/sbin/ufw 2>"$WORK/output"; }
ufw_active() {
  local rules
  rules=$(in_vm sudo -n ufw status) || return
  echo "$rules"
  grep -q '^Status: active' <<<"$rules" || return
  FOUND=$(awk '$2 == "ALLOW" { print $1 }' <<<"$rules" | grep -Eo '^[0-9]+' | sort -nu | tr '\n' ' ')
  same 'open ports' "$FOUND" '22 80 443 '
}

begin 'A VM from outside and inside'
new_user
must 'register' register
must 'log in' log_in
must 'POST /host' create_hosting
check 'ssh: the host key is the announced one' lets_in
check 'ssh: another host key is refused' wrong_key_refused
check 'ssh: passwords are refused' only_keys
check 'ssh: root is refused' root_refused
check 'sudo without a password' is_root
check 'the host name is set and resolves' own_name
check 'sftp: pages into /var/www/html' writes_pages
check 'the page is served' page_is "$PAGE_URL" 200 "$USERNAME writes"
check 'a page in a folder is served' page_is "${PAGE_URL}more/" 200 "$USERNAME writes"
check 'memory' right_memory
check 'disk' right_disk
if has_ufw; then check 'ufw allows ports 22, 80 and 443 only' ufw_active; else note "ufw: not in image $IMAGE, not checked"; fi
must 'DELETE /host/my' delete_hosting
summary
