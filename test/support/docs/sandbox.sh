#!/usr/bin/env bash
# A machine of its own for the commands of the documents: its network, processes and directories are nobody else's, so
# that they run as they stand, on the ports and in the places that they name. Everything is gone with the process.
#   unshare --mount --net --pid --fork --mount-proc sandbox.sh PROJECT CACHE_DIR SCRATCH COMMAND...
set -euo pipefail
PROJECT=$1 CACHE=$2 SCRATCH=$3
shift 3
mount --make-rprivate /
# of this network: libvirt isolates bridge ports there
mkdir -p "$SCRATCH/cgroup" && mount --rbind /sys/fs/cgroup "$SCRATCH/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$SCRATCH/cgroup" /sys/fs/cgroup
# over DIRECTORY: what is there can be read, what is written goes away
over() {
  local name=${1//\//_}
  mkdir -p "$SCRATCH/$name/upper" "$SCRATCH/$name/work" "$1"
  mount -t overlay overlay -o "lowerdir=${2:-$1},upperdir=$SCRATCH/$name/upper,workdir=$SCRATCH/$name/work" "$1"
}
# fresh DIRECTORY: empty
fresh() { mkdir -p "$SCRATCH/fresh${1//\//_}" "$1" && mount --bind "$SCRATCH/fresh${1//\//_}" "$1"; }
over /opt
mkdir -p /opt/vm-webhoster
over /usr/local
over /root
over /etc
over /var/lib
rm -rf /var/lib/vm-webhoster
over /var/cache
mkdir -p /var/cache/vm-webhoster
over /opt/vm-webhoster "$PROJECT"
over /var/cache/vm-webhoster "$CACHE"
for directory in /var/backups/vm-webhoster /media /run/libvirt /var/lib/libvirt /var/log/libvirt; do
  mkdir -p "$directory"
  fresh "$directory"
done
mkdir -p /var/lib/libvirt/{images,dnsmasq,qemu,boot} /media/safe
ip link set lo up
cd /opt/vm-webhoster
exec "$@"
