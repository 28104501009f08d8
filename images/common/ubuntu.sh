# shellcheck shell=bash
# Ubuntu guests: the distribution's cloud image, checksum verified, made one of ours by the same functions as
# debian-13. It keeps its own kernel and boot loader; speed was not tuned (see README.md).

build_ubuntu() { # RELEASE OUT
  local release=$1
  shift
  need curl sha256sum qemu-img losetup partx fstrim unshare
  begin "$@"
  fetch_cloud_image "$release"
  phase "unpacking"
  qemu-img convert -O raw "$WORK/image" "$WORK/disk.raw"
  rm "$WORK/image"
  mount_root_partition "$WORK/disk.raw"
  phase "installing packages"
  install_in "$WORK/root" nginx ufw openssh-server qemu-guest-agent unattended-upgrades rsync
  phase "configuring"
  set_up_guest "$WORK/root"
  forget_build "$WORK/root"
  phase "making the disk"
  # What the installation deleted would be copied otherwise.
  fstrim "$WORK/root" || true
  umount "$WORK/root"
  losetup -d "$LOOP"
  LOOP=
  qcow2_from "$WORK/disk.raw"
  phase "done"
}

fetch_cloud_image() { # RELEASE
  local base=${UBUNTU_IMAGE_BASE_URL:-https://cloud-images.ubuntu.com/releases} file url
  file=ubuntu-$1-server-cloudimg-amd64.img
  url=${base%/}/$1/release
  phase "fetching $file"
  download "$url/SHA256SUMS" "$WORK/SHA256SUMS"
  # The list's own signature where this machine has Ubuntu's key; without it, HTTPS is what vouches for the list.
  if command -v gpgv >/dev/null && [[ -e /usr/share/keyrings/ubuntu-cloudimage-keyring.gpg ]]; then
    download "$url/SHA256SUMS.gpg" "$WORK/SHA256SUMS.gpg"
    gpgv -q --keyring /usr/share/keyrings/ubuntu-cloudimage-keyring.gpg "$WORK/SHA256SUMS.gpg" "$WORK/SHA256SUMS" ||
      { echo "the signature of $url/SHA256SUMS is wrong" >&2; return 1; }
  fi
  download "$url/$file" "$WORK/image"
  phase "verifying"
  local wanted
  wanted=$(awk -v file="$file" '$2 == "*" file || $2 == file { print $1; exit }' "$WORK/SHA256SUMS")
  [[ -n $wanted ]] || { echo "$url/SHA256SUMS does not name $file" >&2; return 1; }
  echo "$wanted  $WORK/image" | sha256sum --check --status ||
    { echo "checksum of $url/$file is wrong: damaged on the way, or being replaced; try again" >&2; return 1; }
}

download() { # URL FILE
  curl --fail --silent --show-error --location --connect-timeout 20 --speed-limit 1000 --speed-time 60 --retry 2 \
    --output "$2" "$1" ||
    unreachable "$1" "cannot be downloaded from here; set UBUNTU_IMAGE_BASE_URL to a mirror of Ubuntu's cloud images, or use the image debian-13"
}

# The largest partition is the root; by offset, since a container often has no device nodes for partitions.
mount_root_partition() { # RAW
  local start size
  read -r start size < <(partx --noheadings --bytes --output START,SIZE "$1" | sort -k2 -n | tail -n1)
  LOOP=$(losetup --find --show --offset $((start * 512)) --sizelimit "$size" "$1")
  mkdir "$WORK/root"
  mount -o discard "$LOOP" "$WORK/root"
}

# The only step that uses the network from inside the root: with its own sources, the host's name resolution, and
# no service started.
install_in() { # ROOT PACKAGE...
  local root=$1 resolv=$1/etc/resolv.conf
  shift
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sys "$root/sys"
  mount --bind /dev "$root/dev"
  mount -t tmpfs tmp "$root/tmp"
  mv "$resolv" "$resolv.kept" 2>/dev/null || true
  cp --dereference /etc/resolv.conf "$resolv"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 0755 "$root/usr/sbin/policy-rc.d"
  apt_in "$root" update ||
    unreachable "the image's package archive" "no package lists from here; give the build a proxy (http_proxy), or use the image debian-13"
  apt_in "$root" install --yes --no-install-recommends "$@" ||
    unreachable "the image's package archive" "$* could not be installed; give the build a proxy (http_proxy), or use the image debian-13"
  rm "$root/usr/sbin/policy-rc.d" "$resolv"
  mv "$resolv.kept" "$resolv" 2>/dev/null || true
  umount "$root/tmp" "$root/dev" "$root/sys" "$root/proc"
}

apt_in() { # ROOT ARGUMENT...
  local root=$1
  shift
  DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" apt-get -qq -o Dpkg::Use-Pty=0 \
    -o APT::Update::Error-Mode=any "$@" >"$WORK/apt.log" 2>&1 || { tail -n 20 "$WORK/apt.log" >&2; return 1; }
}
