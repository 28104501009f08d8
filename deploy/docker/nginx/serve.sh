#!/bin/sh
# Nginx in a container of its own: one for pages and one for SSH (DIRECTORY/ssh). The worker renders each configuration
# into the shared directory, tests it and swaps it in; then it writes a line into the pipe `control` beside it, and that
# Nginx starts with it, or reads it anew. What was swapped in before the container started is served at once. Ends when
# either does.
#   serve.sh DIRECTORY
set -eu
umask 077
nginx=${NGINX_BIN:-nginx}

# serve DIRECTORY MODE WORKERS: until that Nginx ends
serve() {
  dir=$1 conf=$1/nginx.conf pipe=$1/control most=$((16 * $3 < 64 ? 16 * $3 : 64))
  mkdir -p "$dir"
  chmod "$2" "$dir"
  # a process id of an earlier life may be anybody's by now, and nobody listens on its socket
  rm -f "$dir/nginx.pid" "$dir/generation.sock"
  [ -p "$pipe" ] || { rm -f "$pipe" && mkfifo "$pipe"; }
  # open at both ends, so that a line waits in it and an end of file never comes
  exec 3<>"$pipe"
  run_master &
  master=$!
  reload_when_told &
  reader=$!
  trap 'kill -TERM "$master" 2>/dev/null || :' TERM INT
  wait_for "$master"
  kill "$reader" 2>/dev/null || :
  exit "$status"
}
run_master() {
  while [ ! -f "$conf" ]; do read -r _ <&3; done
  cd "$dir"
  exec "$nginx" -p "$dir" -c "$conf" -g 'daemon off;'
}
reload_when_told() {
  until [ -s "$dir/nginx.pid" ]; do sleep 0.1; done
  while read -r _ <&3; do
    "$nginx" -p "$dir" -c "$conf" -s reload || :
    end_oldest
  done
}
# Of workers that only wait for their last visitors those of 16 generations stay, and no more than 64 (engine/machine/nginx/draining.ts). They are known
# by their parent: with the rights that are left here nobody sees where another user's process works.
end_oldest() {
  for file in /proc/[0-9]*/cmdline; do
    pid=${file#/proc/} pid=${pid%/cmdline}
    grep -q '^nginx: worker process is shutting down' "$file" 2>/dev/null || continue
    # shellcheck disable=SC2046 # field by field: the second is the parent, the twentieth when it was started
    set -- $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null)
    [ "${2:-}" = "$master" ] || continue
    printf '%s %s\n' "${20}" "$pid"
  done | sort -rn | tail -n "+$((most + 1))" | while read -r _ pid; do kill -TERM "$pid" 2>/dev/null || :; done
}
# a trap ends a wait before what is waited for has ended; of what has ended long since it tells the status at once
wait_for() {
  status=0
  wait "$1" || status=$?
  while kill -0 "$1" 2>/dev/null; do
    status=0
    wait "$1" || status=$?
  done
}

serve "$1" 0711 "$(nproc)" &
pages=$!
serve "$1/ssh" 0700 2 &
ssh=$!
trap 'kill -TERM "$pages" "$ssh" 2>/dev/null || :' TERM INT
while kill -0 "$pages" 2>/dev/null && kill -0 "$ssh" 2>/dev/null; do sleep 1 & wait $! || :; done
# the one that ended by itself says how
one=$pages other=$ssh
if kill -0 "$pages" 2>/dev/null; then one=$ssh other=$pages; fi
wait_for "$one"
first=$status
kill -TERM "$other" 2>/dev/null || :
wait_for "$other"
[ "$first" -ne 0 ] && exit "$first"
exit "$status"
