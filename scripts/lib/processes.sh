# shellcheck shell=bash
# Processes by their pid files, and waiting by probing.

# pid_runs FILE PATTERN: the process named in a pid file lives and is what we started, not a later namesake.
pid_runs() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -- "$2"
}

# stop_pid FILE PATTERN SECONDS: asks the process to end, waits for it, and ends it when the time is up.
stop_pid() {
  local pid
  if pid_runs "$1" "$2"; then
    pid=$(cat "$1")
    kill -TERM "$pid"
    wait_for "$3" ended "$pid" || kill -KILL "$pid"
  fi
  rm -f "$1"
}
# an orphan that nobody reaps has ended all the same
ended() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }

# Ours only: the pid files are there when this run, or start.sh, started them.
stop_own_libvirt() {
  stop_pid "$RUN_DIR/libvirtd.pid" libvirtd 20
  stop_pid "$RUN_DIR/virtlogd.pid" virtlogd 20
}

# wait_for SECONDS COMMAND...: probes until it succeeds.
wait_for() {
  local deadline=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}
