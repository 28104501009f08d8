#!/usr/bin/env bash
# Runs tests with other supported releases of Node.js than the installed one, e.g. test-node.sh 22 24. The releases come from
# the npm registry by a lock file (test/support/node) and are cached under CACHE_DIR. Without options, it runs what depends
# on Node.js (processes, HTTP, TLS, streams, the queue) and the compiled service, in about a minute each.
#   --full    all unit, contract and integration tests, and a hosting on the real system: half an hour each
set -euo pipefail
FULL='' VERSIONS=()
for argument in "$@"; do
  case $argument in
  --full) FULL=1 ;;
  20 | 22 | 24) VERSIONS+=("$argument") ;;
  *)
    sed -n '2,5s/^# //p' "$0"
    [ "$argument" = --help ] && exit 0 || exit 2
    ;;
  esac
done
[ "${#VERSIONS[@]}" -gt 0 ] || VERSIONS=(20 22 24)
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
# shellcheck source=scripts/lib/testing.sh
. "$ROOT/scripts/lib/testing.sh"
need_root "$@"
cd "$ROOT"
load_test_environment
STEPS=3

NODES=$CACHE_DIR/node
nodes_stamp() { sha256sum test/support/node/package-lock.json | cut -c1-16; }
need_nodes() { [ "$(cat "$NODES/.built-from" 2>/dev/null)" != "$(nodes_stamp)" ]; }
do_nodes() {
  install -d -m 0755 "$NODES"
  cp test/support/node/package*.json "$NODES/"
  (cd "$NODES" && npm ci --no-audit --no-fund --ignore-scripts)
  nodes_stamp >"$NODES/.built-from"
}
# bin_of VERSION: the directory of its program.
bin_of() {
  local arch=x64
  [ "$(uname -m)" != aarch64 ] || arch=arm64
  echo "$NODES/node_modules/node$1-$arch/bin"
}

# What Node itself makes: child processes, HTTP, TLS, streams, timers, native modules.
QUICK_TESTS='unit/api/(http-server|event-stream|bad-requests|limits|outages|waiting|unfinished-memory|headers|at-once)|unit/cli/(client|closed-output|commands|completion)|unit/engine/[a-z]+/(process|passwords|secret-box|tracing|publisher|every|cached)|contract/(queue|events|limiter|synthesizer)|integration/(engine|replicas|https-handshake|shared-state|file-modes)'
# tests VERSION: with that release first on PATH, so that whatever is started finds it.
tests() {
  local what=(--testPathPatterns "$QUICK_TESTS")
  [ -z "$FULL" ] || what=()
  "$(bin_of "$1")/node" node_modules/.bin/jest --selectProjects unit contract integration --ci --maxWorkers=3 "${what[@]}" || return 1
  if [ -n "$FULL" ]; then "$(bin_of "$1")/node" node_modules/.bin/jest --selectProjects system --ci --runInBand --testPathPatterns system/hosting; fi
}
# service VERSION: the compiled service starts, answers, and ends when it is told to.
service() {
  local bin pid port status=0 dir=$DATA_DIR/service-$1
  bin=$(bin_of "$1")
  port=$(free_port)
  export DATA_DIR=$dir ROLE=api API_HOST=127.0.0.1 API_PORT=$port LOG_LEVEL=warn POSTGRES_PORT
  POSTGRES_PORT=$(free_port)
  JWT_SECRET=$(head -c 36 /dev/urandom | base64) STATE_KEY=$(head -c 36 /dev/urandom | base64) POSTGRES_PASSWORD=$(head -c 36 /dev/urandom | base64)
  export JWT_SECRET STATE_KEY POSTGRES_PASSWORD
  # PostgreSQL does not run as root
  chmod 0711 "${dir%/*}"
  install -d -m 0711 "$dir"
  "$bin/node" dist/cli/main.js service postgres-start
  "$bin/node" dist/api/main.js &
  pid=$!
  wait_for 30 answers "$port" || status=1
  curl -fsS "http://127.0.0.1:$port/openapi.json" -o /dev/null || status=1
  kill -TERM "$pid"
  wait "$pid" || status=1
  "$bin/node" dist/cli/main.js service postgres-stop
  return "$status"
}
answers() { curl -fs -o /dev/null "http://127.0.0.1:$1/api/v1/health"; }
free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }

step modules "Node modules, with the test tools"
step build "Compile"
step nodes "Node.js ${VERSIONS[*]}"
FAILED=0
for version in "${VERSIONS[@]}"; do
  say "${BOLD}Node.js $("$(bin_of "$version")/node" --version)${OFF}"
  (PATH=$(bin_of "$version"):$PATH && export PATH && tests "$version" && service "$version") || FAILED=1
done
end_test_environment
[ "$FAILED" -eq 0 ]
