#!/usr/bin/env bash
# Starts the service in containers: offers to install missing packages, builds, starts, returns once it is healthy.
# Safe to repeat; after an update or a change to .env, it replaces what has changed.
#   --yes          install missing packages without asking
#   --offline      build from this machine's packages, for when no image registry can be reached (docs/deployment.md)
#   --monitoring   also start Prometheus and Grafana
#   --dry-run      show what would be done, and do nothing
set -euo pipefail
ARGUMENTS=("$@") YES='' OFFLINE='' MONITORING=''
for argument in "$@"; do
  case $argument in
  --yes) YES=1 ;;
  --offline) OFFLINE=1 ;;
  --monitoring) MONITORING=1 ;;
  --dry-run) DRY_RUN=1 ;;
  *)
    sed -n '2,7s/^# //p' "$0"
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
# shellcheck source=scripts/lib/libvirt.sh
. "$ROOT/scripts/lib/libvirt.sh"
# shellcheck source=scripts/lib/docker.sh
. "$ROOT/scripts/lib/docker.sh"
[ -n "$DRY_RUN" ] || need_root "${ARGUMENTS[@]}"
load_docker_settings
# a build that is to need nothing from outside gets nothing
[ -z "$OFFLINE" ] || export BUILD_NETWORK=none
[ -n "$OFFLINE" ] && STEPS=10 || STEPS=9
STARTED=$(now_ms)

# What Docker and Compose are called differs; what is there already is not replaced.
docker_packages() {
  command -v dockerd >/dev/null || docker_answers || echo docker.io
  has_compose || compose_package
}
no_compose() { fail "Docker Compose is missing, and this distribution has no version from $COMPOSE_LEAST on: install the plugin as described at https://docs.docker.com/compose/install/linux, and run this again"; }
# Asked before the steps, which write to a log.
offer_packages() {
  local missing
  has_compose || [ -n "$(compose_package)" ] || [ -n "$DRY_RUN" ] || no_compose
  mapfile -t missing < <(docker_packages && missing_packages)
  [ "${#missing[@]}" -gt 0 ] && [ -z "$DRY_RUN" ] || return 0
  command -v apt-get >/dev/null || fail "this system has no apt-get; install these packages yourself: ${missing[*]}"
  ask "Not installed: ${missing[*]}. Install them now?" ||
    fail "not installed: ${missing[*]}; install them yourself, or use --yes"
}
need_packages() { [ -n "$(docker_packages && missing_packages)" ]; }
do_packages() {
  local missing
  mapfile -t missing < <(docker_packages && missing_packages)
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

need_docker() { ! docker_answers; }
do_docker() {
  [ -d /run/systemd/system ] || fail "Docker does not answer, and there is no systemd to start it: start dockerd and run this again, or set DOCKER_HOST"
  systemctl enable --now docker
  wait_for 30 docker_answers || fail "Docker was started but does not answer; see journalctl -u docker"
}

need_directories() { return 0; }
do_directories() {
  install -d -m 0711 "$DATA_DIR" "$DATA_DIR/nginx" "$POOL_DIR"
  install -d -m 0755 "$CACHE_DIR"
  install -d -m 0700 "$RUN_DIR" "$DATA_DIR/secrets"
  touch "$DATA_DIR/.vm-webhoster"
  write_secrets
  (umask 077 && write_settings)
}

need_offline() { [ -n "$OFFLINE" ]; }
do_offline() { "$ROOT/scripts/docker-offline.sh"; }

need_images() { return 0; }
do_images() {
  compose build postgres redis nginx
  # one after the other: they share their stages
  local service
  for service in api worker setup; do compose build "$service"; done
}

need_guest() { return 0; }
do_guest() { compose run --rm -T setup image; }

need_database() { return 0; }
do_database() {
  compose up -d postgres redis
  wait_for 90 database_healthy || fail "PostgreSQL is not healthy; see docker compose logs postgres"
}
database_healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$(compose ps -q postgres)" 2>/dev/null)" = healthy ]; }

need_node() { return 0; }
do_node() { compose run --rm -T setup node; }

need_services() { return 0; }
do_services() {
  local profile=()
  check_port "$HTTP_PORT" HTTP_PORT
  check_port "$API_PORT" API_PORT
  [ -z "$MONITORING" ] || profile=(--profile monitoring)
  compose "${profile[@]}" up -d --remove-orphans
  local deadline=$(($(date +%s) + 120))
  until healthy; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "the service is not healthy after 120 s; see docker compose ps, docker compose logs worker, and http://127.0.0.1:$API_PORT/api/v1/health/detailed"
    sleep 0.5
  done
}
# check_port PORT VARIABLE: a port that somebody else than our own Nginx holds is told by name.
check_port() {
  local holder
  [ -z "$(compose ps -q nginx)" ] || return 0
  holder=$(ss -Hltnp "sport = :$1" | grep -o 'users:(("[^"]*' | cut -d'"' -f2 | sort -u | head -n 1) || true
  [ -z "$holder" ] || fail "port $1 is in use by $holder; stop it or choose another with $2"
}
healthy() {
  curl -fs --max-time 10 -o /dev/null "http://127.0.0.1:$API_PORT/api/v1/health/detailed" &&
    curl -fs --max-time 5 -o /dev/null "http://127.0.0.1:$HTTP_PORT/"
}

say "${BOLD}vm-webhoster in containers${OFF}"
offer_packages
step packages "Docker, Compose, libvirt"
[ -n "$DRY_RUN" ] || hash -r
[ -n "$DRY_RUN" ] || has_compose || no_compose
step docker "Docker answers"
step libvirt "libvirtd"
step directories "Directories, secrets and settings"
if [ -n "$OFFLINE" ]; then
  step offline "Sources of the images"
  [ -n "$DRY_RUN" ] || { BASE_IMAGE=$(cat "$CACHE_DIR/docker/base-image") && export BASE_IMAGE && (umask 077 && write_settings); }
fi
step images "Images"
step database "PostgreSQL and Redis"
step guest "Guest image $IMAGE"
step node "Network, pool and base image"
step services "API, worker and Nginx"
if [ -n "$DRY_RUN" ]; then
  say "Nothing was changed."
  exit 0
fi
WEB=$(web_origin) API=$(api_origin)
cat <<TEXT

${GREEN}Ready${OFF} after $(seconds_since "$STARTED")
  Service      $WEB/
  API          $API/api/v1
  API docs     $API/docs
  Health       $API/api/v1/health/detailed (components: see docs/accounts.md#metrics)
  Log          docker compose logs -f worker api
  Operate      docker compose exec worker webhoster --help
  Stop         ./scripts/docker-stop.sh
TEXT
[ -z "$MONITORING" ] || say "  Grafana      http://127.0.0.1:${GRAFANA_PORT:-3000}/  (admin; the password is in $DATA_DIR/secrets/grafana_password)"
