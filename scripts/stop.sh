#!/usr/bin/env bash
# Stops what start.sh started. VMs keep running, but their pages are unreachable until the next start.
#   --purge     also remove all VMs, the network, the pool and all data (asks first)
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
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"
# shellcheck source=scripts/lib/command.sh
. "$ROOT/scripts/lib/command.sh"
need_root "$@"
load_environment
find_terraform
use_secrets
# shellcheck source=scripts/lib/service.sh
. "$ROOT/scripts/lib/service.sh"

[ -z "$PURGE" ] || confirm_purge

[ -n "$PURGE" ] && STEPS=5 || STEPS=3
need_api() { [ -f "$RUN_DIR/api.pid" ] || [ -f "$RUN_DIR/worker.pid" ]; }
do_api() { stop_service; }
need_nginx() { [ -f "$DATA_DIR/nginx/nginx.pid" ] || [ -f "$DATA_DIR/nginx/ssh/nginx.pid" ]; }
do_nginx() { webhoster service nginx-stop; }
need_postgres() { [ -f "$DATA_DIR/postgres/postmaster.pid" ]; }
do_postgres() { webhoster service postgres-stop; }
need_stacks() { [ -d "$DATA_DIR/workspaces" ]; }
do_stacks() { webhoster service purge-stacks; }
need_data() { [ -f "$DATA_DIR/.vm-webhoster" ]; }
do_data() {
  stop_own_libvirt
  rm -rf "${DATA_DIR:?}"
  unlink_command
}

step api "API and worker"
[ -z "$PURGE" ] || step stacks "VMs, network and pool"
step nginx "Nginx"
step postgres "PostgreSQL"
[ -z "$PURGE" ] || step data "Data in $DATA_DIR"
