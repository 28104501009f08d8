# shellcheck shell=bash
# Progress for people: each step with its name and time. With DRY_RUN=1 a step says what it would do and does nothing.
# A step is a pair of functions: need_NAME succeeds when there is something to do, do_NAME does it.

set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
DRY_RUN=${DRY_RUN:-}
STEP=0

if [ -t 1 ]; then BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' OFF=$'\e[0m'; else BOLD='' DIM='' RED='' GREEN='' OFF=''; fi

now_ms() { date +%s%3N; }
seconds_since() { local ms=$(($(now_ms) - $1)); printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100)); }
say() { printf '%s\n' "$*"; }
note() { printf '       %s%s%s\n' "$DIM" "$*" "$OFF"; }

# fail MESSAGE: what went wrong and what to do next.
fail() {
  printf '%serror:%s %s\n' "$RED" "$OFF" "$*" >&2
  exit 1
}

# step NAME TITLE: runs do_NAME if need_NAME says so. Output goes to the log; it is shown when the step fails.
step() {
  local name=$1 title=$2 started
  STEP=$((STEP + 1))
  if ! "need_$name"; then
    printf '[%2d/%d] %-52s %sready%s\n' "$STEP" "$STEPS" "$title" "$DIM" "$OFF"
    return
  fi
  if [ -n "$DRY_RUN" ]; then
    printf '[%2d/%d] %-52s %swould run%s\n' "$STEP" "$STEPS" "$title" "$BOLD" "$OFF"
    return
  fi
  printf '[%2d/%d] %-52s ' "$STEP" "$STEPS" "$title"
  started=$(now_ms)
  # Not in a condition: there `set -e` would be off inside the step.
  set +e
  (close_lock; set -e; "do_$name") >"$STEP_LOG" 2>&1
  local status=$?
  set -e
  if [ "$status" -ne 0 ]; then
    printf '%sfailed%s after %s\n' "$RED" "$OFF" "$(seconds_since "$started")"
    tail -n 25 "$STEP_LOG" >&2
    exit "$status"
  fi
  printf '%sdone%s  %s\n' "$GREEN" "$OFF" "$(seconds_since "$started")"
}

# one_at_a_time: whoever sets this machine up, start or test, waits for whoever does so already.
LOCK_FILE=${WEBHOSTER_LOCK:-/run/lock/vm-webhoster-setup.lock}
LOCK=''
one_at_a_time() {
  exec {LOCK}>>"$LOCK_FILE"
  if ! flock --nonblock "$LOCK"; then
    say "process $(cat "$LOCK_FILE") is already setting up this machine: waiting for it"
    flock --timeout 3600 "$LOCK" || fail "process $(cat "$LOCK_FILE") has not finished after an hour: check what it is doing"
  fi
  echo $$ >"$LOCK_FILE"
}
# A daemon that a step starts would hold it for ever.
close_lock() { [ -z "$LOCK" ] || exec {LOCK}>&-; }

STEP_LOG=$(mktemp)
trap 'rm -f "$STEP_LOG"' EXIT

# confirm_purge: goes on only when a person types it, or with --yes.
confirm_purge() {
  local answer
  [ -z "${YES:-}" ] || return 0
  [ -t 0 ] || fail "--purge removes all VMs and all data in $DATA_DIR; without a terminal to confirm that, add --yes"
  read -r -p "Remove all VMs and all data in $DATA_DIR? Type 'purge': " answer
  [ "$answer" = purge ] || fail "nothing was removed"
}

need_root() {
  [ "$(id -u)" -ne 0 ] || return 0
  rm -f "$STEP_LOG"
  # sudo puts a PATH of its own in place, and Node.js or Go may be found by ours only
  exec sudo --preserve-env env "PATH=$PATH" "$0" "$@"
}
