#!/usr/bin/env bash
# Runs the tests on a machine that has only what the README lists: a fresh Debian in a directory, with Node.js, Go and
# Terraform added, a clone of the last commit, no cache, and its own /dev. Takes an hour and 20 GiB.
#   --kvm closed|open|none   /dev/kvm in there: QEMU is not allowed to open it, is allowed to, or it does not exist  [closed]
#   --keep                   keep the directory and print its path
#   -- COMMAND...            the command to run in the clone  [./scripts/test.sh]
# Packages, modules and the like come from the sources that this machine's own clients are configured to use.
# shellcheck disable=SC2317 # steps are called by their names
set -euo pipefail
KVM=closed KEEP='' COMMAND=(./scripts/test.sh)
while [ $# -gt 0 ]; do
  case $1 in
  --kvm)
    KVM=${2:-}
    [[ $KVM =~ ^(closed|open|none)$ ]] || { echo "error: --kvm must be closed, open or none" >&2; exit 2; }
    shift
    ;;
  --keep) KEEP=1 ;;
  --)
    shift
    COMMAND=("$@")
    break
    ;;
  *)
    sed -n '2,7s/^# //p' "$0"
    [ "$1" = --help ] && exit 0 || exit 2
    ;;
  esac
  shift
done
# shellcheck source=scripts/lib/steps.sh
. "$(dirname "$0")/lib/steps.sh"
[ "$(id -u)" -eq 0 ] || fail "this needs root"
for program in debootstrap git go node npm terraform unshare; do
  command -v "$program" >/dev/null || fail "$program is required but not installed"
done

MACHINE=$(mktemp -d "${TMPDIR:-/var/tmp}/webhoster-nothing.XXXXXX")
at_the_end() {
  rm -f "$STEP_LOG"
  if [ -n "$KEEP" ]; then say "kept: $MACHINE"; else rm -rf --one-file-system "$MACHINE"; fi
}
trap at_the_end EXIT
# others than root have to find what is in it
chmod 0755 "$MACHINE"

need_system() { return 0; }
do_system() {
  local release mirror
  # shellcheck source=/dev/null
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  # shellcheck disable=SC2016 # a word of apt-get's
  mirror=$(apt-get indextargets --format '$(SITE)' "Codename: $release" "Created-By: Packages" | head -n 1)
  debootstrap --variant=minbase "$release" "$MACHINE" "${mirror:-http://deb.debian.org/debian}"
}

# What a machine of this kind is given before anybody installs anything, and how it reaches its registries.
need_given() { return 0; }
do_given() {
  local file
  for file in /etc/apt /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates \
    /usr/share/keyrings /root/.npmrc /root/.config/go/env; do
    [ ! -e "$file" ] || (mkdir -p "$MACHINE${file%/*}" && cp -rT "$file" "$MACHINE$file")
  done
  file=$(npm config get globalconfig)
  [ ! -e "$file" ] || install -D "$file" "$MACHINE/usr/local/etc/npmrc"
  install -D -m 0755 "$(command -v node)" "$MACHINE/usr/local/bin/node"
  install -D -m 0755 "$(command -v terraform)" "$MACHINE/usr/local/bin/terraform"
  mkdir -p "$MACHINE/usr/local/lib/node_modules" "$MACHINE/usr/local/go"
  cp -r "$(npm root --global)/npm" "$MACHINE/usr/local/lib/node_modules/"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$MACHINE/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$MACHINE/usr/local/bin/npx"
  cp -r "$(go env GOROOT)/." "$MACHINE/usr/local/go/"
  git clone --quiet --no-hardlinks "$ROOT" "$MACHINE/root/vm-webhoster"
}

# enter: in a mount and process namespace of its own, becomes the machine. What it started ends with it.
enter() {
  # shellcheck disable=SC2016 # for the shell in there
  unshare --mount --propagation private --pid --fork --kill-child bash -c '
    set -euo pipefail
    machine=$1 kvm=$2
    shift 2
    mount --bind "$machine" "$machine"
    cd "$machine"
    mount -t proc proc proc
    mount --rbind /sys sys
    mount -t tmpfs -o mode=755 tmpfs dev
    mount -t tmpfs -o mode=755 tmpfs run
    mkdir -p dev/pts dev/shm dev/net run/lock
    mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts
    mount -t tmpfs tmpfs dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    for device in null zero full random urandom tty fuse loop-control net/tun; do
      [ ! -e "/dev/$device" ] || cp -a "/dev/$device" "dev/$device"
    done
    for device in /dev/loop[0-9]*; do [ ! -b "$device" ] || cp -a "$device" dev/; done
    case $kvm in
    closed) mknod -m 600 dev/kvm c 10 232 ;;
    open) mknod -m 666 dev/kvm c 10 232 ;;
    esac
    mkdir -p old
    pivot_root . old
    cd /root/vm-webhoster
    umount -l /old
    rmdir /old
    env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 CI="${CI:-}" \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
  ' enter "$MACHINE" "$KVM" "$@"
}

# Its network is this machine's: bridges and tables of rules that it leaves there would be in the way of the next one.
network_state() {
  ip -br link | sed 's/[@ ].*//; s/^/link /'
  [ ! -x "$MACHINE/usr/sbin/nft" ] || chroot "$MACHINE" nft list tables
}
leave_network() {
  local kind rest
  while read -r kind rest; do
    case $kind in
    link) ip link delete "$rest" || true ;;
    table) chroot "$MACHINE" nft "delete table $rest" || true ;;
    esac
  done < <(network_state | grep -vxFf "$MACHINE/before")
}

STEPS=2
step system "A minimal Debian"
step given "Node.js, Go, Terraform and a clone of $(git -C "$ROOT" rev-parse --short HEAD)"
say "${BOLD}/dev/kvm: $KVM; ${COMMAND[*]}${OFF}"
STARTED=$(now_ms) STATUS=0
network_state >"$MACHINE/before"
enter "${COMMAND[@]}" || STATUS=$?
leave_network
say "from nothing, /dev/kvm $KVM: exit status $STATUS after $(seconds_since "$STARTED")"
exit "$STATUS"
