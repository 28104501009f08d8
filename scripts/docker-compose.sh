#!/usr/bin/env bash
# Runs Docker Compose with the settings of the service that docker-start.sh started. Needed if another service was started
# from this directory since, or .env was changed; otherwise `docker compose` does the same. E.g.
#   ./scripts/docker-compose.sh ps
#   ./scripts/docker-compose.sh exec worker webhoster doctor
set -euo pipefail
# shellcheck source=scripts/lib/steps.sh
. "$(dirname "$0")/lib/steps.sh"
# shellcheck source=scripts/lib/environment.sh
. "$ROOT/scripts/lib/environment.sh"
# shellcheck source=scripts/lib/docker.sh
. "$ROOT/scripts/lib/docker.sh"
case ${1:---help} in --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
need_root "$@"
load_docker_settings
require_docker
rm -f "$STEP_LOG"
trap - EXIT
cd "$ROOT"
exec docker compose --env-file "$DATA_DIR/docker.env" --project-name "$COMPOSE_PROJECT_NAME" "$@"
