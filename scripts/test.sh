#!/usr/bin/env bash
# Installs what is missing and runs all tests: checks, unit, contract, integration, system and a sample of chaos (micro
# guest), end to end (debian-13 guest), Docker Compose. Expensive steps are cached under CACHE_DIR by checksum: a second
# run is quick.
#   --quick     leave out the system, chaos, end-to-end and Compose layers, and report that
#   --all       also run what takes many minutes and adds little: the teardown of ten
set -euo pipefail
QUICK='' LONG=/teardown-ten
case "${1:-}" in
'') ;;
--quick) QUICK=1 ;;
--all) LONG=/none ;;
*)
  sed -n '2,6s/^# //p' "$0"
  [ "$1" = --help ] && exit 0 || exit 2
  ;;
esac
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
# shellcheck source=scripts/lib/testing.sh
. "$ROOT/scripts/lib/testing.sh"
need_root "$@"
cd "$ROOT"
load_test_environment
find_terraform
RESULTS=$DATA_DIR/results
mkdir -p "$RESULTS"
STARTED=$(now_ms)
PACKAGES+=(shellcheck procps openssl prometheus python3-venv python3-yaml redis-server systemd wrk zsh fish chromium fonts-noto-cjk)
command -v dockerd >/dev/null || PACKAGES+=(docker.io)

# built from the pinned Go modules (checksums in go.sum)
pebble_stamp() { sha256sum test/support/pebble/go.sum | cut -c1-16; }
need_pebble() { [ "$(cat "$CACHE_DIR/pebble/.built-from" 2>/dev/null)" != "$(pebble_stamp)" ]; }
do_pebble() {
  command -v go >/dev/null || fail "Go is not installed: install Go 1.24 or newer to build Pebble from source, and run this again"
  install -d -m 0755 "$CACHE_DIR/pebble"
  (cd test/support/pebble && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags='-s -w' -o "$CACHE_DIR/pebble/" \
    github.com/letsencrypt/pebble/v2/cmd/pebble github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv)
  pebble_stamp >"$CACHE_DIR/pebble/.built-from"
}
# a plugin of the docker command, found by DOCKER_CONFIG
compose_stamp() { sha256sum test/support/compose/go.sum | cut -c1-16; }
need_compose() { [ "$(cat "$CACHE_DIR/compose/.built-from" 2>/dev/null)" != "$(compose_stamp)" ]; }
do_compose() {
  command -v go >/dev/null || fail "Go is not installed: install Go 1.24 or newer to build Docker Compose from source, and run this again"
  install -d -m 0755 "$CACHE_DIR/compose/cli-plugins"
  (cd test/support/compose && CGO_ENABLED=0 go build -mod=readonly -trimpath \
    -ldflags="-s -w -X github.com/docker/compose/v2/internal.Version=$(go list -mod=readonly -m -f '{{.Version}}' github.com/docker/compose/v2)" \
    -o "$CACHE_DIR/compose/cli-plugins/docker-compose.new" github.com/docker/compose/v2/cmd)
  mv "$CACHE_DIR/compose/cli-plugins/docker-compose.new" "$CACHE_DIR/compose/cli-plugins/docker-compose"
  compose_stamp >"$CACHE_DIR/compose/.built-from"
}
need_debian() { image_missing debian-13; }
do_debian() { webhoster image build debian-13; }

say "${BOLD}Prerequisites of the tests${OFF}"
one_at_a_time
check_node
side_by_side packages "Distribution packages"
side_by_side modules "Node modules, with the test tools"
side_by_side provider "Terraform provider for libvirt" "$PROVIDER_AFTER"
side_by_side pebble "Pebble, a certificate authority for tests" "$TRUST"
side_by_side user "System user for PostgreSQL"
side_by_side terraform "Terraform" packages
side_by_side libvirt "libvirtd" packages
side_by_side build "Compile" modules
side_by_side micro "Guest image micro" packages build
[ -n "$QUICK" ] || side_by_side debian "Guest image debian-13" packages build
STEPS=${#STEP_ORDER[@]}
run_steps
# tests start services by themselves
close_lock
# Compose alone takes as long as all of the above, and is needed last
COMPOSE_BUILD=''
if [ -z "$QUICK" ] && need_compose; then
  (set -e; renice -n 15 "$BASHPID" >/dev/null; do_compose) >"$RESULTS/compose-build.log" 2>&1 &
  COMPOSE_BUILD=$!
fi

PASSED=0 FAILED=0 FAILURES=()
# check NAME COMMAND...: one test that passes or fails as a whole.
check() {
  run_check "$@"
  count_check "$1"
}
# Its halves, for checks that run beside others: most of them use one core.
run_check() {
  local log=$RESULTS/check-${1//[^a-z0-9]/-} status=0 started
  shift
  started=$(now_ms)
  "$@" >"$log.log" 2>&1 || status=$?
  echo "$status $(seconds_since "$started")" >"$log.ended"
}
count_check() {
  local log=$RESULTS/check-${1//[^a-z0-9]/-} status=1 took=''
  read -r status took <"$log.ended" || true
  if [ "$status" -eq 0 ]; then
    PASSED=$((PASSED + 1))
    printf '%-20s ok      %s\n' "$1" "$took"
  else
    FAILED=$((FAILED + 1)) FAILURES+=("$1")
    printf '%-20s %sFAILED%s  %s\n' "$1" "$RED" "$OFF" "$took"
    tail -n 60 "$log.log"
  fi
}
# layer NAME... -- OPTIONS...: test layers, counted test by test.
layer() {
  run_layer "$@"
  count_layer "$@"
}
# Its halves, for a layer that goes on beside others.
run_layer() {
  local names=() status=0 started
  while [ "$1" != -- ]; do names+=("$1"); shift; done
  shift
  started=$(now_ms)
  npx jest --selectProjects "${names[@]}" --ci --json --outputFile="$RESULTS/${names[0]}.json" "$@" \
    >"$RESULTS/${names[0]}.log" 2>&1 || status=$?
  echo "$status $started" >"$RESULTS/${names[0]}.ended"
}
count_layer() {
  local names=() status=1 started=$STARTED passed failed
  while [ "$1" != -- ]; do names+=("$1"); shift; done
  read -r status started <"$RESULTS/${names[0]}.ended" || true
  # shellcheck disable=SC2016 # a program in JavaScript
  read -r passed failed < <(node -e '
    let r = { numPassedTests: 0, numFailedTests: 1, numRuntimeErrorTestSuites: 0 };
    try { r = require(process.argv[1]); } catch {}
    console.log(r.numPassedTests, r.numFailedTests + r.numRuntimeErrorTestSuites + (r.numPendingTests ?? 0));' "$RESULTS/${names[0]}.json")
  rm -f "$RESULTS/${names[0]}".{json,ended}
  count "${names[*]}" "$passed" "$failed" "$status" "$started"
  if [ "$failed" -gt 0 ] || [ "$status" -ne 0 ]; then grep -v '^\s*✓' "$RESULTS/${names[0]}.log" | tail -n 150; fi
}
# run_counted NAME COMMAND...: a run that counts its cases itself, into the file that it is given by --json.
run_counted() {
  local file=$RESULTS/counted-$1 status=0 started
  shift
  started=$(now_ms)
  "$@" --json "$file.json" >"$file.log" 2>&1 || status=$?
  echo "$status $started" >"$file.ended"
}
# count_counted NAME TITLE: the end of what it printed is shown when a case has failed.
count_counted() {
  local file=$RESULTS/counted-$1 status=1 started=$STARTED passed failed
  read -r status started <"$file.ended" || true
  # shellcheck disable=SC2016 # a program in JavaScript
  read -r passed failed < <(node -e '
    let r = { passed: 0, failed: 1 };
    try { r = require(process.argv[1]); } catch {}
    console.log(r.passed, r.failed);' "$file.json")
  rm -f "$file".{json,ended}
  count "$2" "$passed" "$failed" "$status" "$started"
  if [ "$failed" -gt 0 ] || [ "$status" -ne 0 ]; then tail -n 200 "$file.log"; fi
}
# count NAME PASSED FAILED STATUS STARTED: a run that says nothing failed and still fails (a suite that left something
# open) is a failure.
count() {
  local failed=$3
  if [ "$4" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  PASSED=$((PASSED + $2)) FAILED=$((FAILED + failed))
  [ "$failed" -eq 0 ] || FAILURES+=("$1")
  printf '%-20s %s passed, %s failed  %s\n' "$1" "$2" "$failed" "$(seconds_since "$5")"
}
# run_chaos CASES: so many of the chaos cases, all side by side. The seed repeats them.
CHAOS_SEED=${CHAOS_SEED:-$RANDOM}
run_chaos() {
  run_counted chaos node dist/test/chaos/main.js --sample "$1" --workers $(($1 + 2)) --minutes 8 --seed "$CHAOS_SEED"
}
# run_schemathesis CASES: the HTTP interface asked from its own document, up to so many cases an operation for each of
# three callers.
run_schemathesis() { run_counted schemathesis timeout 900 node dist/test/schemathesis/main.js --cases "$1" --seed 1; }
coverage_holds() {
  # shellcheck disable=SC2016
  node -e '
    const { total } = require("./coverage/coverage-summary.json");
    console.log(`lines ${total.lines.pct} %`);
    process.exit(total.lines.pct >= 85 ? 0 : 1);'
}
# What systemd would say about the units; it ignores what it does not know, and tells.
units_hold() {
  local unit
  mkdir "$RESULTS/units"
  for unit in deploy/systemd/*; do sed "s#/opt/vm-webhoster#$ROOT#g" "$unit" >"$RESULTS/units/${unit##*/}"; done
  systemd-analyze verify --man=no "$RESULTS"/units/* >"$RESULTS/units.log" 2>&1 || echo 'refused' >>"$RESULTS/units.log"
  cat "$RESULTS/units.log"
  [ ! -s "$RESULTS/units.log" ]
}
# What a test may leave on a machine, before and after.
traces() {
  virsh -q list --all --name
  virsh -q pool-list --all --name
  virsh -q net-list --all --name
  virsh -q nwfilter-list | grep -o '[^ ]*-guests$' || true
  nft list tables | grep webhoster || true
  find /var/lib /var/lib/libvirt -maxdepth 1 -name 'webhoster-*'
  pgrep -af 'postgres|nginx: master|api/main.js|terraform|dockerd' | grep -o 'webhoster-[^ ]*' || true
}
nothing_left() { diff "$RESULTS/traces-before" <(traces | sort); }

traces | sort >"$RESULTS/traces-before"
say
say "${BOLD}Tests${OFF}"
# the long one beside the others
run_check lint npm run -s check:lint &
lint=$!
check format npm run -s check:format
check types npm run -s check:types
check boundaries npm run -s check:boundaries
check shellcheck bash -c 'shellcheck -x scripts/*.sh scripts/webhoster .ci/run images/*/*.sh deploy/docker/*.sh deploy/docker/*/*.sh'
check "systemd units" units_hold
wait "$lint"
count_check lint
layer unit contract integration -- --coverage --maxWorkers=3 --testPathIgnorePatterns /every-step
check "coverage 85 %" coverage_holds
# most of it was counted above: these are as quick as they can be
layer integration -- --maxWorkers=3 --testPathPatterns /every-step
# compiled before anything runs what is compiled
for own in schemathesis chaos; do npx tsc -p "tsconfig.$own.json" || true; done
# From here on, what keeps one core busy, or waits, goes beside something else.
mapfile -t OTHER_NODES < <(printf '%s\n' 20 22 24 | grep -vx "$(node -p 'process.versions.node.split(".")[0]')")
(run_check "Node.js ${OTHER_NODES[*]}" ./scripts/test-node.sh "${OTHER_NODES[@]}"; run_schemathesis 10) &
beside=$!
# what restarts libvirtd under all VMs, and what compares times
[ -n "$QUICK" ] || layer system -- --runInBand --testPathPatterns '/(faults|kvm)\.'
wait "$beside"
count_check "Node.js ${OTHER_NODES[*]}"
count_counted schemathesis schemathesis
if [ -z "$QUICK" ]; then
  [ -z "$COMPOSE_BUILD" ] || wait "$COMPOSE_BUILD" || tail -n 20 "$RESULTS/compose-build.log"
  # containers wait for their health most of the time, VMs for each other
  run_layer compose -- --runInBand &
  compose=$!
  layer system -- --maxWorkers=3 --testPathIgnorePatterns '/(faults|kvm)\.' "$LONG"
  wait "$compose"
  count_layer compose --
  run_chaos 8 &
  chaos=$!
  layer e2e -- --runInBand
  wait "$chaos"
  count_counted chaos "chaos, seed $CHAOS_SEED"
fi
check "nothing left behind" nothing_left

say
[ -z "$QUICK" ] || say "left out by --quick: system, chaos, e2e, compose"
[ -n "$QUICK" ] || [ "$LONG" = /none ] || say "left out without --all: $LONG"
[ "${#FAILURES[@]}" -eq 0 ] || say "failed: $(IFS=,; echo "${FAILURES[*]}")"
say "after $(seconds_since "$STARTED")"
end_test_environment
say "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
