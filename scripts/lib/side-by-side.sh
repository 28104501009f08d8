# shellcheck shell=bash disable=SC2034 # STEP and STEPS are steps.sh's
# Steps that do not wait for each other. Each is announced with what it comes after; all that can run do so, and each is
# told when it ends, with its own time. Needs steps.sh.

STEP_ORDER=()
declare -A STEP_TITLE=() STEP_AFTER=() STEP_PID=() STEP_BEGUN=() STEP_DONE=()
# What would leave the machine half-way when it is cut off.
STEPS_TO_FINISH=' packages '
# What nothing waits for, and what takes every core that it gets: it takes what the others leave.
STEPS_IN_BACKGROUND=' provider '

# side_by_side NAME TITLE [AFTER...]: runs in run_steps, once every step named in AFTER is done.
side_by_side() {
  STEP_ORDER+=("$1")
  STEP_TITLE[$1]=$2
  STEP_AFTER[$1]=${*:3}
}

# run_steps: until all are done. When one fails, the others are stopped and it ends with that one's status.
run_steps() {
  local name
  if [ -n "$DRY_RUN" ]; then
    for name in "${STEP_ORDER[@]}"; do step "$name" "${STEP_TITLE[$name]}"; done
    return
  fi
  STEP_DIR=$(mktemp -d)
  trap 'stop_steps; exit 130' INT
  trap 'stop_steps; exit 143' TERM
  # never in a condition: there `set -e` would be off inside the steps
  while :; do
    begin_steps
    [ "${#STEP_DONE[@]}" -lt "${#STEP_ORDER[@]}" ] || break
    sleep 0.1
    show_running
    for name in "${!STEP_PID[@]}"; do end_step "$name"; done
  done
  trap - INT TERM
  rm -rf "$STEP_DIR"
}

begin_steps() {
  local name
  for name in "${STEP_ORDER[@]}"; do
    [ -z "${STEP_DONE[$name]:-}${STEP_PID[$name]:-}" ] && may_begin "$name" || continue
    if ! "need_$name"; then
      STEP_DONE[$name]=1
      told "$name" "${DIM}ready${OFF}"
      continue
    fi
    STEP_BEGUN[$name]=$(now_ms)
    # a process group of its own, so that all of it can be stopped
    set -m
    (
      set +em
      close_lock
      [[ $STEPS_IN_BACKGROUND != *" $name "* ]] || renice -n 19 -p "$BASHPID" >/dev/null
      # shellcheck disable=SC2030 # of this step alone
      STEP_PID=()
      (set -e; "do_$name") >"$STEP_DIR/$name.log" 2>&1
      echo $? >"$STEP_DIR/$name.new"
      mv "$STEP_DIR/$name.new" "$STEP_DIR/$name.status"
    ) </dev/null &
    STEP_PID[$name]=$!
    set +m
  done
}
may_begin() {
  local before
  for before in ${STEP_AFTER[$1]}; do [ -n "${STEP_DONE[$before]:-}" ] || return 1; done
}

end_step() {
  local name=$1 status took
  # one that was killed has left none
  if [ ! -f "$STEP_DIR/$name.status" ] && kill -0 "${STEP_PID[$name]}" 2>/dev/null; then return; fi
  wait "${STEP_PID[$name]}" 2>/dev/null || true
  status=$(cat "$STEP_DIR/$name.status" 2>/dev/null || echo 1)
  took=$(seconds_since "${STEP_BEGUN[$name]}")
  unset "STEP_PID[$name]"
  if [ "$status" -eq 0 ]; then
    STEP_DONE[$name]=1
    told "$name" "${GREEN}done${OFF}  $took"
    return
  fi
  told "$name" "${RED}failed${OFF} after $took"
  tail -n 25 "$STEP_DIR/$name.log" >&2
  stop_steps
  exit "$status"
}

stop_steps() {
  local name
  for name in "${!STEP_PID[@]}"; do
    [[ $STEPS_TO_FINISH == *" $name "* ]] || kill -TERM -- "-${STEP_PID[$name]}" 2>/dev/null || true
  done
  for name in "${!STEP_PID[@]}"; do wait "${STEP_PID[$name]}" 2>/dev/null || true; done
  rm -rf "$STEP_DIR"
}

told() {
  [ ! -t 1 ] || printf '\r\e[K'
  STEP=$((STEP + 1))
  printf '[%2d/%d] %-52s %s\n' "$STEP" "$STEPS" "${STEP_TITLE[$1]}" "$2"
}
# For somebody who watches: what runs, and for how long.
show_running() {
  [ -t 1 ] || return 0
  local name line=''
  for name in "${STEP_ORDER[@]}"; do
    [ -z "${STEP_PID[$name]:-}" ] || line+="   ${STEP_TITLE[$name]} $(($(($(now_ms) - STEP_BEGUN[$name])) / 1000)) s"
  done
  printf '\r\e[K%s%.*s%s' "$DIM" "${COLUMNS:-$(tput cols 2>/dev/null || echo 80)}" "$line" "$OFF"
}
