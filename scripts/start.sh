#!/usr/bin/env bash
# Sets up and starts everything, and returns once it is healthy. Safe to repeat: existing parts are left alone.
#   --dry-run        show what would be done, and do nothing
#   --restore FILE   restore a backup before starting the service; the database must be empty
set -euo pipefail
ARGUMENTS=("$@") RESTORE=''
while [ $# -gt 0 ]; do
  case $1 in
  --dry-run) DRY_RUN=1 ;;
  --restore)
    RESTORE=${2:-}
    [ -n "$RESTORE" ] || { echo "error: --restore needs a file" >&2; exit 2; }
    shift
    ;;
  *)
    sed -n '2,4s/^# //p' "$0"
    [ "$1" = --help ] && exit 0 || exit 2
    ;;
  esac
  shift
done
# shellcheck source=scripts/lib/steps.sh
. "$(dirname "$0")/lib/steps.sh"
# shellcheck source=scripts/lib/side-by-side.sh
. "$ROOT/scripts/lib/side-by-side.sh"
# shellcheck source=scripts/lib/environment.sh
. "$ROOT/scripts/lib/environment.sh"
# shellcheck source=scripts/lib/processes.sh
. "$ROOT/scripts/lib/processes.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"
# shellcheck source=scripts/lib/provider.sh
. "$ROOT/scripts/lib/provider.sh"
# shellcheck source=scripts/lib/libvirt.sh
. "$ROOT/scripts/lib/libvirt.sh"
# shellcheck source=scripts/lib/directories.sh
. "$ROOT/scripts/lib/directories.sh"
# shellcheck source=scripts/lib/command.sh
. "$ROOT/scripts/lib/command.sh"
[ -n "$DRY_RUN" ] || need_root "${ARGUMENTS[@]}"
load_environment
# shellcheck source=scripts/lib/service.sh
. "$ROOT/scripts/lib/service.sh"
find_terraform
use_secrets
STARTED=$(now_ms)

need_image() { [ -n "$DRY_RUN" ] && [ ! -d "$ROOT/dist" ] || ! webhoster image list --json | grep -A 3 "\"name\": \"$IMAGE\"" | grep -q '"state": "built"'; }
do_image() { webhoster image build "$IMAGE"; }

# pg_ctl knows best whether it runs: after a power cut its pid file may name any process
need_postgres() { [ -z "${DATABASE_URL:-}" ]; }
do_postgres() { webhoster service postgres-start; }

# Before anything is made: a STATE_KEY that is made up now could never open what is in the backup.
check_restore() {
  if [ ! -f "$RESTORE" ] || [ ! -r "$RESTORE" ]; then fail "--restore: $RESTORE does not exist, or cannot be read"; fi
  RESTORE=$(realpath -- "$RESTORE")
  [ -n "${STATE_KEY:-}" ] || [ -s "$STATE_KEY_FILE" ] ||
    fail "a backup can only be opened with the STATE_KEY it was made with: put yours back into $STATE_KEY_FILE and run this again (docs/operations.md)"
}
# Before the node is prepared: on an empty database that would make a pool and a network that are there already.
do_restore() {
  local status=0
  say "${BOLD}Restoring $RESTORE${OFF}"
  webhoster restore "$RESTORE" || status=$?
  [ "$status" -le 1 ] || fail "nothing was restored, and the service was not started"
  [ "$status" -eq 0 ] || say "${BOLD}Restored, but not every stack matches the backup: see the table and docs/operations.md${OFF}"
}

need_node() { return 0; }
do_node() { webhoster node prepare; }

# A service that was started from an older build or with other settings is replaced: its operations are handed over, not lost.
need_api() { ! service_runs || [ "$(cat "$RUN_DIR/api.started-from" 2>/dev/null)" != "$(started_from)" ]; }
# the build and every setting that the service reads
started_from() {
  local name
  {
    cat "$ROOT/dist/.sources"
    sed -n 's/^#\{0,1\}\([A-Z_0-9]*\)=.*/\1/p' "$ROOT/.env.example" | while read -r name; do printf '%s=%s\n' "$name" "${!name:-}"; done
  } | sha256sum | cut -c1-64
}
do_api() {
  stop_service
  check_port "$HTTP_PORT" HTTP_PORT nginx.pid
  check_port "$API_PORT" API_PORT
  if [ "${TLS_MODE:-off}" != off ]; then
    check_port "${HTTPS_PORT:-443}" HTTPS_PORT nginx.pid
    [ -z "${API_HTTPS_PORT:-}" ] || check_port "$API_HTTPS_PORT" API_HTTPS_PORT nginx.pid
  fi
  start_worker
  start_api
  started_from >"$RUN_DIR/api.started-from"
}
# check_port PORT VARIABLE [PIDFILE]: a port that somebody else holds is told by name, before we fail on it.
check_port() {
  [ -n "${3:-}" ] && pid_runs "$DATA_DIR/nginx/$3" nginx && return
  local holder
  holder=$(ss -Hltnp "sport = :$1" | grep -o 'users:(("[^"]*' | cut -d'"' -f2 | sort -u | head -n 1) || true
  [ -z "$holder" ] || fail "port $1 is in use by $holder; stop it or choose another with $2"
}

healthy() {
  # of the worker as well, which tells the API how its parts are
  answers "http://127.0.0.1:$API_PORT/api/v1/health/detailed" && answers "http://127.0.0.1:$HTTP_PORT/" || return
  [ "${TLS_MODE:-off}" != off ] || return 0
  answers "https://127.0.0.1:${HTTPS_PORT:-443}/" || return
  [ -z "${API_HTTPS_PORT:-}" ] || answers "https://127.0.0.1:$API_HTTPS_PORT/api/v1/health"
}
# Whether, not who: no certificate has this address for a name.
answers() { curl -fsk --max-time 5 "$1" >/dev/null; }
need_health() { [ -z "$DRY_RUN" ] || ! healthy; }
do_health() {
  local deadline=$(($(date +%s) + 60)) part
  until healthy; do
    for part in api worker; do
      kill -0 "$(cat "$RUN_DIR/$part.pid")" 2>/dev/null || fail "the $part has exited; the end of $DATA_DIR/$part.log:
$(tail -n 15 "$DATA_DIR/$part.log")"
    done
    [ "$(date +%s)" -lt "$deadline" ] || fail "the service is not healthy after 60 s; see webhoster doctor, $DATA_DIR/api.log and $DATA_DIR/worker.log"
    sleep 0.1
  done
}

need_settings() { [ -z "$DRY_RUN" ]; }
do_settings() { webhoster service check-config; }

[ -z "$RESTORE" ] || check_restore
say "${BOLD}vm-webhoster${OFF}"
[ -n "$DRY_RUN" ] || one_at_a_time
check_node
STEPS=14
step directories "Directories and secrets"
use_secrets
side_by_side packages "Distribution packages"
side_by_side modules "Node modules"
side_by_side provider "Terraform provider for libvirt" "$PROVIDER_AFTER"
side_by_side user "System user for PostgreSQL"
side_by_side api_user "System user for the API"
side_by_side terraform "Terraform" packages
side_by_side libvirt "libvirtd" packages
side_by_side build "Compile" modules
[ -n "$DRY_RUN" ] || side_by_side settings "Settings" build
side_by_side image "Guest image $IMAGE" packages settings
side_by_side postgres "PostgreSQL" settings user
run_steps
if [ -n "$RESTORE" ]; then
  if [ -n "$DRY_RUN" ]; then say "        would restore $RESTORE"; else do_restore; fi
fi
[ -n "$DRY_RUN" ] || { step node "Network, pool and base image"; step api "API, worker and Nginx"; do_health; }
if [ -n "$DRY_RUN" ]; then
  say "Nothing was changed."
  exit 0
fi
link_command
WEB=$(web_origin) API=$(api_origin)
cat <<TEXT

${GREEN}Ready${OFF} after $(seconds_since "$STARTED")
  Service      $WEB/
  API          $API/api/v1
  API docs     $API/docs
  Health       $API/api/v1/health/detailed (components: see docs/accounts.md#metrics)
  Logs         $DATA_DIR/api.log, $DATA_DIR/worker.log
  First VM     ./scripts/test-workflow.sh
  Stop         ./scripts/stop.sh
TEXT
