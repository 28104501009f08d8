# shellcheck shell=bash
# What every recipe's build.sh begins with: a working directory that disappears whatever happens, words for
# the log, and where packages come from. Sourced, never run.
#
# Exit status of a recipe: 0 built; 3 a source cannot be had (the machine's network, not the recipe's fault);
# anything else is a broken recipe or a missing tool.

phase() { echo "==> $*"; }

# unreachable SOURCE WHAT-TO-DO
unreachable() {
  echo "unreachable: $1: $2" >&2
  exit 3
}

# need TOOL...: names what is missing in one go, before minutes of work are lost on it.
need() {
  local tool missing=()
  for tool in "$@"; do command -v "$tool" >/dev/null || missing+=("$tool"); done
  ((${#missing[@]} == 0)) || { echo "missing on this machine: ${missing[*]}" >&2; exit 1; }
}

# begin OUT: sets OUT and WORK, and undoes mounts, loop devices and WORK at exit.
begin() {
  [[ $# == 1 && -n $1 ]] || { echo "usage: build.sh OUT" >&2; exit 2; }
  umask 022
  mkdir -p "$1"
  OUT=$(cd "$1" && pwd)
  # TMPDIR may be a small tmpfs; the builder can point it elsewhere.
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/image-build.XXXXXX")
  # mktemp's 0700 would lock apt's own user out of a root tree below it.
  chmod 0755 "$WORK"
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

clean_up() {
  local status=$? point
  trap - EXIT
  # Deepest first; lazily, since a killed chroot may still be leaving.
  while read -r point; do umount -l "$point" || true; done \
    < <(awk -v w="$WORK/" 'index($2, w) == 1 { print $2 }' /proc/mounts | sort -r)
  [[ -z ${LOOP:-} ]] || losetup -d "$LOOP" || true
  # A mount that would not go away must not have its far side deleted.
  rm -rf --one-file-system "$WORK"
  exit "$status"
}

# deliver FILE NAME: the builder may be watching OUT, so a name appears only when the file is whole.
deliver() {
  cp "$1" "$OUT/.$2.part"
  chmod 0644 "$OUT/.$2.part"
  mv "$OUT/.$2.part" "$OUT/$2"
}

# qcow2_from RAW: thin and compressed; the base is read-only under every overlay, so slow writes do not matter.
qcow2_from() {
  qemu-img convert -q -c -O qcow2 -o compression_type=zstd "$1" "$WORK/disk.qcow2"
  deliver "$WORK/disk.qcow2" disk.qcow2
}

# The mirror this machine's apt already uses for Debian, so that a build works wherever `apt-get install` does.
host_mirror() { # LABEL FALLBACK
  local found
  # shellcheck disable=SC2016 # apt's own format fields
  found=$(apt-get indextargets --format '$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' -v label="$1" '$1 == label && $2 == "main" { sub("/$", "", $3); print $3; exit }') || true
  echo "${found:-$2}"
}
debian_mirror() { echo "${DEBIAN_MIRROR:-$(host_mirror Debian http://deb.debian.org/debian)}"; }
debian_security_mirror() {
  echo "${DEBIAN_SECURITY_MIRROR:-$(host_mirror Debian-Security http://deb.debian.org/debian-security)}"
}

# reachable URL: succeeds when the file can be read, through apt's own methods so that apt's proxy settings count.
reachable() { /usr/lib/apt/apt-helper -q download-file "$1" "$WORK/reachable" >/dev/null 2>&1; }

need_mirror() { # MIRROR SUITE VARIABLE
  reachable "$1/dists/$2/InRelease" ||
    unreachable "$1" "no Debian packages ($2) from here; set $3 to a mirror this machine can reach"
}

# vmlinux_from VMLINUZ TARGET: the kernel without its compressed wrapper. QEMU starts it through its PVH entry
# point; unpacking it inside an emulated guest costs seconds that the host needs milliseconds for.
vmlinux_from() {
  local at
  at=$(LC_ALL=C grep -abo -P -m1 '\x28\xb5\x2f\xfd' "$1" | head -n1 | cut -d: -f1)
  # zstd grumbles about what follows the payload; the check below decides.
  tail -c "+$((at + 1))" "$1" | zstd -dcq >"$2" 2>/dev/null || true
  [[ $(head -c4 "$2" | tail -c3) == ELF ]] || { echo "no zstd-compressed ELF in $1" >&2; return 1; }
}
