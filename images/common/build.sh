# shellcheck shell=bash
# What every recipe's build.sh begins with: a working directory that disappears whatever happens, words for
# the log, and where packages come from. Sourced, never run.
#
# Exit status of a recipe: 0 built; 3 a source cannot be had (the machine's network, not the recipe's fault);
# anything else is a broken recipe or a missing tool.

IMAGES=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

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
  [[ $EUID == 0 ]] || { echo "must run as root: file owners, mounts and chroot" >&2; exit 1; }
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

# unpack_debs SUITE INTO PACKAGE...: downloads exactly these packages and unpacks them, without installing.
#
# An apt of our own, since the host may run another release. "linux-image" stands for the newest cloud kernel. Not
# mmdebstrap --variant=extract: it insists on dependencies (initramfs-tools, the SSH client) that nobody wants here.
unpack_debs() {
  local suite=$1 into=$2 mirror apt=$WORK/apt name deb names=()
  shift 2
  mirror=$(debian_mirror)
  mkdir -p "$apt"/etc/apt/{preferences.d,apt.conf.d,sources.list.d,trusted.gpg.d} \
    "$apt"/var/{lib/apt/lists/partial,lib/dpkg,cache/apt/archives/partial} "$WORK/debs"
  : >"$apt/var/lib/dpkg/status"
  echo "deb [signed-by=$DEBIAN_KEYRING] $mirror $suite main" >"$apt/etc/apt/sources.list"
  # The host's settings (a proxy) count here too.
  cp -r /etc/apt/apt.conf.d/. "$apt/etc/apt/apt.conf.d/"
  [[ ! -e /etc/apt/apt.conf ]] || cp /etc/apt/apt.conf "$apt/etc/apt/apt.conf"
  cat >"$WORK/apt.conf" <<APT
Dir "$apt";
Dir::State::status "$apt/var/lib/dpkg/status";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
APT
  APT_CONFIG=$WORK/apt.conf apt-get -qq -o APT::Update::Error-Mode=any update ||
    unreachable "$mirror" "no Debian packages ($suite) from here; set DEBIAN_MIRROR to a mirror this machine can reach"
  for name in "$@"; do
    [[ $name != linux-image ]] || name=$(APT_CONFIG=$WORK/apt.conf apt-cache depends linux-image-cloud-amd64 |
      awk '/Depends: linux-image-/ { print $2; exit }')
    names+=("$name")
  done
  (cd "$WORK/debs" && APT_CONFIG=$WORK/apt.conf apt-get -qq download "${names[@]}") ||
    unreachable "$mirror" "some packages could not be had; set DEBIAN_MIRROR to a complete mirror"
  mkdir -p "$into"
  for deb in "$WORK"/debs/*.deb; do dpkg-deb -x "$deb" "$into"; done
}

# make_initrd PACKAGES MODULE...: busybox and the modules in the order given, not compressed: QEMU copies it into
# the guest's memory at the host's speed, the guest would unpack it at its own.
make_initrd() {
  local from=$1 to=$WORK/initrd module
  shift
  mkdir -p "$to"/{bin,dev,disk,modules}
  cp "$from/usr/bin/busybox" "$to/bin/"
  cp "$IMAGES/common/initrd/init" "$to/init"
  chmod 0755 "$to/init"
  for module in "$@"; do
    find "$from/usr/lib/modules" -name "${module//_/[_-]}.ko.xz" -exec xz -dc {} + >"$to/modules/$module.ko"
    [[ -s $to/modules/$module.ko ]] || { echo "this kernel has no module $module" >&2; return 1; }
    echo "$module" >>"$to/modules/order"
  done
  (cd "$to" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$WORK/initrd.cpio"
  deliver "$WORK/initrd.cpio" initrd
}

# make_kernel VMLINUZ: the kernel without its compressed wrapper. QEMU starts it through its PVH entry
# point; unpacking it inside an emulated guest costs seconds that the host needs milliseconds for.
make_kernel() {
  local at to=$WORK/vmlinux
  at=$(LC_ALL=C grep -abo -P -m1 '\x28\xb5\x2f\xfd' "$1" | head -n1 | cut -d: -f1)
  # zstd grumbles about what follows the payload; the check below decides.
  tail -c "+$((at + 1))" "$1" | zstd -dcq >"$to" 2>/dev/null || true
  [[ $(head -c4 "$to" | tail -c3) == ELF ]] || { echo "no zstd-compressed ELF in $1" >&2; return 1; }
  deliver "$to" vmlinuz
}
