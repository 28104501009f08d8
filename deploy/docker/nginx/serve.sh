#!/bin/sh
# Nginx in a container of its own. The worker renders the configuration into the shared directory, tests it and swaps it
# in; then it writes a line into the pipe `control` there, and Nginx starts with it, or reads it anew. What was swapped
# in before the container started is served at once. Ends when Nginx does.
#   serve.sh DIRECTORY
set -eu
umask 077
dir=$1
nginx=${NGINX_BIN:-nginx}
conf=$dir/nginx.conf
pipe=$dir/control

mkdir -p "$dir"
chmod 0711 "$dir"
# a process id of an earlier life may be anybody's by now
rm -f "$dir/nginx.pid"
[ -p "$pipe" ] || { rm -f "$pipe" && mkfifo "$pipe"; }
# open at both ends, so that a line waits in it and an end of file never comes
exec 3<>"$pipe"

serve() {
  while [ ! -f "$conf" ]; do read -r _ <&3; done
  exec "$nginx" -p "$dir" -c "$conf" -g 'daemon off;'
}
reload_when_told() {
  until [ -s "$dir/nginx.pid" ]; do sleep 0.1; done
  while read -r _ <&3; do "$nginx" -p "$dir" -c "$conf" -s reload || :; done
}

serve &
master=$!
reload_when_told &
reader=$!
trap 'kill -TERM "$master" 2>/dev/null || :' TERM INT
# a trap ends a wait before what is waited for has ended
status=0
while kill -0 "$master" 2>/dev/null; do
  status=0
  wait "$master" || status=$?
done
kill "$reader" 2>/dev/null || :
exit "$status"
