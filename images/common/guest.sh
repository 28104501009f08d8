# shellcheck shell=bash
# What makes a root tree one of our guests, the same for every distribution: the user, SSH, web server, firewall,
# updates. Works on a mounted root with nginx, ufw, rsync, openssh-server, sudo, cloud-init and qemu-guest-agent installed.

set_up_guest() { # ROOT
  local root=$1 file
  guest_user "$root"
  while read -r file; do
    install -D -m 0644 "$IMAGES/common/guest/$file" "$root/$file"
  done < <(cd "$IMAGES/common/guest" && find . -type f)
  rm -f "$root"/var/www/html/index.nginx-debian.html
  chown -R 1000:1000 "$root/var/www/html"
  guest_firewall "$root"
  in_root "$root" systemctl --quiet enable nginx.service ufw.service systemd-networkd.service
  # Ubuntu 24.04 starts sshd by its socket.
  [[ -e $root/etc/systemd/system/sockets.target.wants/ssh.socket ]] ||
    in_root "$root" systemctl --quiet enable ssh.service
  # A Python process that only waits for a shutdown to interrupt; the timers do the upgrades.
  in_root "$root" systemctl --quiet mask unattended-upgrades.service
  # Nothing here needs to wait for an address, and a guest whose network is late should still come up.
  in_root "$root" systemctl --quiet mask systemd-networkd-wait-online.service
}

in_root() { # ROOT COMMAND...
  local root=$1
  shift
  # A network of its own: ufw must not meet the build machine's tables, and nothing may listen or call home.
  # What it starts dies with it, and its /proc goes with its mount namespace.
  unshare --net --mount --pid --fork --kill-child --root="$root" --mount-proc /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive "$@"
}

# Baked in, not left to cloud-init, which writes files before it makes users: the page's owner must exist by then.
guest_user() { # ROOT
  local root=$1
  in_root "$root" id -u ubuntu >/dev/null 2>&1 ||
    in_root "$root" useradd --uid 1000 --user-group --create-home --shell /bin/bash --comment Ubuntu ubuntu
  in_root "$root" usermod --lock --append --groups sudo,www-data ubuntu
  in_root "$root" passwd --quiet --lock root
  echo 'ubuntu ALL=(ALL) NOPASSWD:ALL' >"$root/etc/sudoers.d/90-webhoster"
  chmod 0440 "$root/etc/sudoers.d/90-webhoster"
}

# While disabled, ufw only writes its rule files; enabling is a word in its configuration.
guest_firewall() { # ROOT
  local port
  for port in 22 80 443; do in_root "$1" ufw allow "$port/tcp" >/dev/null; done
  sed -i 's/^ENABLED=.*/ENABLED=yes/' "$1/etc/ufw/ufw.conf"
}

# No two guests may share a key, an identity or a memory of the build.
forget_build() { # ROOT
  local root=$1
  rm -f "$root"/etc/ssh/ssh_host_* "$root"/var/lib/systemd/random-seed "$root"/var/lib/dbus/machine-id \
    "$root"/root/.bash_history "$root"/home/ubuntu/.ssh/authorized_keys
  : >"$root/etc/machine-id"
  echo localhost >"$root/etc/hostname"
  rm -rf "$root"/var/lib/cloud/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb
  find "$root/var/log" -type f -delete
}
