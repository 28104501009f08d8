#!/usr/bin/env bash
# Stops what docker-start.sh started. VMs keep running, but their pages are unreachable until the next start.
#   --purge     also remove all VMs, the network, the pool, the containers' volumes and images, and all data (asks first)
#   --yes       do not ask
set -euo pipefail
PURGE='' YES=''
for argument in "$@"; do
  case $argument in
  --purge) PURGE=1 ;;
  --yes) YES=1 ;;
  *)
    sed -n '2,4s/^# //p' "$0"
    [ "$argument" = --help ] && exit 0 || exit 2
    ;;
  esac
done
# shellcheck source=scripts/lib/steps.sh
. "$(dirname "$0")/lib/steps.sh"
# shellcheck source=scripts/lib/environment.sh
. "$ROOT/scripts/lib/environment.sh"
# shellcheck source=scripts/lib/processes.sh
. "$ROOT/scripts/lib/processes.sh"
# shellcheck source=scripts/lib/docker.sh
. "$ROOT/scripts/lib/docker.sh"
need_root "$@"
load_docker_settings
require_docker

[ -z "$PURGE" ] || confirm_purge
[ -n "$PURGE" ] && STEPS=4 || STEPS=1

need_services() { [ -n "$(compose ps -q)" ]; }
do_services() { compose --profile monitoring --profile setup stop; }
# With PostgreSQL only: nobody may make anything meanwhile.
need_stacks() { [ -d "$DATA_DIR/workspaces" ]; }
do_stacks() {
  compose up -d postgres
  compose run --rm -T setup webhoster service purge-stacks
}
need_containers() { return 0; }
do_containers() { compose --profile monitoring --profile setup down --volumes --remove-orphans --rmi all --timeout 60; }
need_data() { [ -f "$DATA_DIR/.vm-webhoster" ]; }
do_data() {
  stop_own_libvirt
  rm -rf "${DATA_DIR:?}"
  forget_started
  # of a start with --offline; what it was made from stays in CACHE_DIR
  find "$ROOT/deploy/offline" -mindepth 1 -maxdepth 1 ! -name .gitignore -exec rm -rf {} +
  # libvirt removes it with the pool; one that never became a pool is empty
  rmdir "$POOL_DIR" 2>/dev/null || true
}

step services "API, worker, Nginx, PostgreSQL and Redis"
[ -n "$PURGE" ] || exit 0
step stacks "VMs, network and pool"
step containers "Containers, volumes and images"
step data "Data in $DATA_DIR"
