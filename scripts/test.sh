#!/usr/bin/env bash
# Installs what is missing and runs every test: checks, unit, contract, integration, system and a sample of chaos (micro
# guest), end to end (debian-13 guest), Docker Compose. What is costly is cached under CACHE_DIR by checksum: a second
# run is quick.
#   --quick     leaves out the system, chaos, end-to-end and Compose layers, and says so
#   --all       also what takes many minutes and shows little more: the teardown of ten
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
# shellcheck source=scripts/lib/environment.sh
. "$ROOT/scripts/lib/environment.sh"
# shellcheck source=scripts/lib/processes.sh
. "$ROOT/scripts/lib/processes.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"
need_root "$@"
cd "$ROOT"
export WITH_DEV=1 IMAGE=micro NODE_ENV=test
# the settings of a service that runs on this machine are not the tests'
unset DATABASE_URL DATA_DIR
CACHE_DIR=${CACHE_DIR:-/var/cache/vm-webhoster}
DATA_DIR=$(mktemp -d /tmp/webhoster-test.XXXXXX)
export CACHE_DIR DATA_DIR
load_environment
find_terraform
RESULTS=$DATA_DIR/results
mkdir -p "$RESULTS"
STARTED=$(now_ms)
STEPS=9
PACKAGES+=(shellcheck procps openssl prometheus python3-venv python3-yaml redis-server systemd wrk)
command -v dockerd >/dev/null || PACKAGES+=(docker.io)
docker compose version >/dev/null 2>&1 || PACKAGES+=(docker-compose)

image_missing() { ! webhoster image verify "$1" >/dev/null 2>&1; }
need_micro() { image_missing micro; }
do_micro() { webhoster image build micro; }
# built from the pinned Go modules (checksums in go.sum)
pebble_stamp() { sha256sum test/support/pebble/go.sum | cut -c1-16; }
need_pebble() { [ "$(cat "$CACHE_DIR/pebble/.built-from" 2>/dev/null)" != "$(pebble_stamp)" ]; }
do_pebble() {
  command -v go >/dev/null || fail "Go is not installed: install Go 1.24 or newer and run this again, and Pebble is built from source"
  install -d -m 0755 "$CACHE_DIR/pebble"
  (cd test/support/pebble && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags='-s -w' -o "$CACHE_DIR/pebble/" \
    github.com/letsencrypt/pebble/v2/cmd/pebble github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv)
  pebble_stamp >"$CACHE_DIR/pebble/.built-from"
}
need_debian() { image_missing debian-13; }
do_debian() { webhoster image build debian-13; }

say "${BOLD}What the tests need${OFF}"
step packages "Distribution packages"
step user "System user for PostgreSQL"
check_node
step modules "Node modules, with the test tools"
step build "Compile"
step terraform "Terraform"
step provider "Terraform provider for libvirt"
step pebble "Pebble, an authority for tests"
step libvirt "libvirtd"
step micro "Guest image micro"
if [ -z "$QUICK" ]; then
  STEPS=10
  step debian "Guest image debian-13"
fi

PASSED=0 FAILED=0 FAILURES=()
# check NAME COMMAND...: one test that passes or fails as a whole.
check() {
  local name=$1 started
  shift
  started=$(now_ms)
  if "$@" >"$RESULTS/check.log" 2>&1; then
    PASSED=$((PASSED + 1))
    printf '%-20s ok      %s\n' "$name" "$(seconds_since "$started")"
  else
    FAILED=$((FAILED + 1)) FAILURES+=("$name")
    printf '%-20s %sFAILED%s  %s\n' "$name" "$RED" "$OFF" "$(seconds_since "$started")"
    tail -n 60 "$RESULTS/check.log"
  fi
}
# layer NAME... -- OPTIONS...: test layers, counted test by test.
layer() {
  local names=() started status=0 passed failed
  while [ "$1" != -- ]; do names+=("$1"); shift; done
  shift
  started=$(now_ms)
  npx jest --selectProjects "${names[@]}" --ci --json --outputFile="$RESULTS/jest.json" "$@" >"$RESULTS/${names[0]}.log" 2>&1 || status=$?
  # shellcheck disable=SC2016 # a program in JavaScript
  read -r passed failed < <(node -e '
    let r = { numPassedTests: 0, numFailedTests: 1, numRuntimeErrorTestSuites: 0 };
    try { r = require(process.argv[1]); } catch {}
    console.log(r.numPassedTests, r.numFailedTests + r.numRuntimeErrorTestSuites + (r.numPendingTests ?? 0));' "$RESULTS/jest.json")
  rm -f "$RESULTS/jest.json"
  # a run that says no test failed and still fails (a suite that left something open) is a failure
  if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
  printf '%-20s %s passed, %s failed  %s\n' "${names[*]}" "$passed" "$failed" "$(seconds_since "$started")"
  if [ "$failed" -gt 0 ]; then
    FAILURES+=("${names[*]}")
    grep -v '^\s*✓' "$RESULTS/${names[0]}.log" | tail -n 150
  fi
}
# chaos CASES: so many of the chaos cases, all side by side, counted case by case. The seed repeats them.
chaos() {
  local started status=0 passed failed seed=${CHAOS_SEED:-$RANDOM}
  started=$(now_ms)
  npm run -s test:chaos -- --sample "$1" --workers $(($1 + 2)) --minutes 8 --seed "$seed" --json "$RESULTS/chaos.json" \
    >"$RESULTS/chaos.log" 2>&1 || status=$?
  # shellcheck disable=SC2016 # a program in JavaScript
  read -r passed failed < <(node -e '
    let r = { passed: 0, failed: 1 };
    try { r = require(process.argv[1]); } catch {}
    console.log(r.passed, r.failed);' "$RESULTS/chaos.json")
  if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
  printf '%-20s %s passed, %s failed  %s\n' "chaos, seed $seed" "$passed" "$failed" "$(seconds_since "$started")"
  if [ "$failed" -gt 0 ]; then
    FAILURES+=(chaos)
    tail -n 150 "$RESULTS/chaos.log"
  fi
}
# schemathesis CASES: the HTTP interface asked from its own document, up to so many cases an operation for each of three
# callers, counted operation by operation.
schemathesis() {
  local started status=0 passed failed
  started=$(now_ms)
  timeout 600 npm run -s test:schemathesis -- --cases "$1" --seed 1 --json "$RESULTS/schemathesis.json" \
    >"$RESULTS/schemathesis.log" 2>&1 || status=$?
  # shellcheck disable=SC2016 # a program in JavaScript
  read -r passed failed < <(node -e '
    let r = { passed: 0, failed: 1 };
    try { r = require(process.argv[1]); } catch {}
    console.log(r.passed, r.failed);' "$RESULTS/schemathesis.json")
  if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
  printf '%-20s %s passed, %s failed  %s\n' schemathesis "$passed" "$failed" "$(seconds_since "$started")"
  if [ "$failed" -gt 0 ]; then
    FAILURES+=(schemathesis)
    tail -n 200 "$RESULTS/schemathesis.log"
  fi
}
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
check format npm run -s check:format
check lint npm run -s check:lint
check types npm run -s check:types
check boundaries npm run -s check:boundaries
check shellcheck bash -c 'shellcheck -x scripts/*.sh scripts/webhoster .ci/run images/*/*.sh deploy/docker/*.sh deploy/docker/*/*.sh'
check "systemd units" units_hold
layer unit contract integration -- --coverage --maxWorkers=3
check "coverage 85 %" coverage_holds
schemathesis 10
if [ -z "$QUICK" ]; then
  # two at a time, but for what restarts libvirtd under all of them
  layer system -- --maxWorkers=2 --testPathIgnorePatterns /faults "$LONG"
  layer system -- --runInBand --testPathPatterns /faults
  chaos 8
  layer e2e -- --runInBand
  layer compose -- --runInBand
fi
check "nothing left behind" nothing_left

say
[ -z "$QUICK" ] || say "left out by --quick: system, chaos, e2e, compose"
[ -n "$QUICK" ] || [ "$LONG" = /none ] || say "left out without --all: $LONG"
[ "${#FAILURES[@]}" -eq 0 ] || say "failed: $(IFS=,; echo "${FAILURES[*]}")"
say "after $(seconds_since "$STARTED")"
# ours only: pid files are there when this run started them
stop_pid "$RUN_DIR/libvirtd.pid" libvirtd 20
stop_pid "$RUN_DIR/virtlogd.pid" virtlogd 20
rm -rf "$DATA_DIR"
say "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
