#!/usr/bin/env bash
# Prepares what docker-start.sh --offline builds images from, for when containers cannot reach a registry: a base image made
# of Debian packages (from the sources of this machine's apt), the Node modules of package-lock.json, Terraform and its
# provider. Everything is cached in CACHE_DIR by checksum: a second run takes seconds.
set -euo pipefail
# shellcheck source=scripts/lib/steps.sh
. "$(dirname "$0")/lib/steps.sh"
# shellcheck source=scripts/lib/environment.sh
. "$ROOT/scripts/lib/environment.sh"
# shellcheck source=scripts/lib/processes.sh
. "$ROOT/scripts/lib/processes.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"
# shellcheck source=scripts/lib/provider.sh
. "$ROOT/scripts/lib/provider.sh"
[ $# -eq 0 ] || { sed -n '2,4s/^# //p' "$0"; [ "$1" = --help ] && exit 0 || exit 2; }
need_root "$@"
load_environment
find_terraform
STEPS=5
PACKAGES=(mmdebstrap debian-archive-keyring)
OFFLINE_DIR=$ROOT/deploy/offline
CACHE=$CACHE_DIR/docker
install -d -m 0755 "$CACHE"

# Everything that any of the images asks for.
mapfile -t IMAGE_PACKAGES < <(
  {
    sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$ROOT/Dockerfile" "$ROOT"/deploy/docker/*/Dockerfile |
      grep -o 'install-packages [a-z][^&]*' | cut -d' ' -f2- | tr -s ' ' '\n'
    echo nodejs
  } | grep . | sort -u
)
BASE_KEY=$(printf '%s\n' trixie "${IMAGE_PACKAGES[@]}" | sha256sum | cut -c1-16)
BASE_TAR=$CACHE/base-$BASE_KEY.tar
BASE_IMAGE=vm-webhoster/base:$BASE_KEY
LOCK=$(lock_stamp)
MODULES_TAR=$CACHE/node_modules-${LOCK:0:16}.tar

need_base() { [ ! -f "$BASE_TAR" ]; }
do_base() {
  local list=("${IMAGE_PACKAGES[@]}")
  # shellcheck disable=SC2016 # $1 is mmdebstrap's: the root it makes
  mmdebstrap --quiet --mode=root --format=tar --variant=minbase --include="$(IFS=,; echo "${list[*]}")" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --essential-hook='mkdir -p "$1/etc/postgresql-common" && echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/log/*.log' \
    trixie "$BASE_TAR.new" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
  rm -f "$CACHE"/base-*.tar
  mv "$BASE_TAR.new" "$BASE_TAR"
}

need_import() { ! docker image inspect "$BASE_IMAGE" >/dev/null 2>&1; }
do_import() { docker import "$BASE_TAR" "$BASE_IMAGE"; }

need_node_modules() { [ ! -f "$MODULES_TAR" ]; }
do_node_modules() {
  local work
  work=$(mktemp -d)
  cp "$ROOT/package.json" "$ROOT/package-lock.json" "$work/"
  (cd "$work" && npm ci --omit=dev --omit=optional --no-audit --no-fund)
  rm -f "$CACHE"/node_modules-*.tar
  tar --owner=0 --group=0 -C "$work" -cf "$MODULES_TAR.new" node_modules
  mv "$MODULES_TAR.new" "$MODULES_TAR"
  rm -rf "$work"
}

step packages "mmdebstrap"
step base "Base image from Debian packages"
step import "Base image in Docker"
check_node
step node_modules "Node modules"
need_parts() { return 0; }
do_parts() {
  if need_terraform; then do_terraform; fi
  if need_provider; then do_provider; fi
  rm -rf "$OFFLINE_DIR"/providers
  cp -r "$CACHE_DIR/providers" "$OFFLINE_DIR/"
  cp "$(command -v "$TERRAFORM_BIN")" "$OFFLINE_DIR/terraform"
  cp "$MODULES_TAR" "$OFFLINE_DIR/node_modules.tar"
  echo "$LOCK" >"$OFFLINE_DIR/lock-sha256"
  echo "$BASE_IMAGE" >"$CACHE/base-image"
}
step parts "Terraform, its provider, and the build context"
