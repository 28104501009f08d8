# shellcheck shell=bash
# The two processes of the service. The worker is root, since libvirt, Nginx and the workspaces are. The API is a user that
# owns nothing and may read copies of its secrets, with no right of root's and nothing to gain it by: a hole in it is not
# one in the machine. Needs processes.sh and environment.sh.

API_USER=vm-webhoster-api
API_DIR=$DATA_DIR/api
# Every secret that may be named by a file (engine/base/config.ts) and that the API needs.
API_SECRETS=(JWT_SECRET JWT_OLD_SECRETS STATE_KEY STATE_OLD_KEYS METRICS_TOKEN OTEL_EXPORTER_OTLP_HEADERS DATABASE_URL
  REDIS_URL POSTGRES_PASSWORD)

need_api_user() { ! getent passwd "$API_USER" >/dev/null; }
do_api_user() { useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$API_USER"; }

service_runs() { pid_runs "$RUN_DIR/api.pid" dist/api/main.js && pid_runs "$RUN_DIR/worker.pid" dist/api/main.js; }
stop_service() {
  stop_pid "$RUN_DIR/api.pid" dist/api/main.js 60
  stop_pid "$RUN_DIR/worker.pid" dist/api/main.js 60
  rm -rf "$API_DIR/secrets"
}

start_worker() {
  cd "$DATA_DIR"
  umask 077
  ROLE=worker setsid nohup node "$ROOT/dist/api/main.js" >>"$DATA_DIR/worker.log" 2>&1 </dev/null &
  echo $! >"$RUN_DIR/worker.pid"
}

start_api() {
  local settings
  open_program
  copy_secrets
  mapfile -t settings < <(api_settings)
  setsid nohup env -i "${settings[@]}" bash -c "$(declare -f become_api); become_api \"\$@\"" api "$ROOT" "$API_DIR" "$API_USER" "$API_PORT" \
    >>"$DATA_DIR/api.log" 2>&1 </dev/null &
  echo $! >"$RUN_DIR/api.pid"
}
# Of this script's environment the settings, and what programs go by; what else root has in it is none of the API's.
api_settings() {
  local name
  {
    printf '%s\n' PATH LANG LC_ALL TZ NODE_OPTIONS NODE_EXTRA_CA_CERTS
    sed -n 's/^#\{0,1\}\([A-Z_0-9]*\)=.*/\1/p' "$ROOT/.env.example" | grep -vx ACME_EAB_HMAC_KEY
  } | while read -r name; do
    # one line each: no setting has more
    [ -z "${!name+set}" ] || printf '%s=%s\n' "$name" "${!name//$'\n'/ }"
  done
}
# What is named by a file is copied to one that the API may read, anew at each start. The directories are root's: where a
# user can put a link, root writes where the link leads, and a process of an API that was taken over may outlive it.
copy_secrets() {
  local name file
  install -d -m 0750 -o root -g "$API_USER" "$API_DIR"
  rm -rf "$API_DIR/secrets"
  install -d -m 0750 -o root -g "$API_USER" "$API_DIR/secrets" "$API_DIR/program"
  install -d -m 0700 -o "$API_USER" -g "$API_USER" "$API_DIR/data"
  for name in "${API_SECRETS[@]}"; do
    file=${name}_FILE
    [ -z "${!file:-}" ] || install -m 0440 -o root -g "$API_USER" "${!file}" "$API_DIR/secrets/${name,,}"
  done
}
# A checkout that was made where files are their owner's alone (umask 077): the API's user reads the program, which is no
# secret, and nothing else of it.
open_program() {
  find "$ROOT/dist" "$ROOT/node_modules" "$ROOT/package.json" \( -type d ! -perm -0055 -o -type f ! -perm -0044 \) \
    -exec chmod go+rX {} +
}
# become_api ROOT API_DIR USER PORT: this process becomes the API.
become_api() {
  local root=$1 dir=$2 user=$3 file name node as
  node=$(readlink -f "$(command -v node)")
  as=(setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs)
  if [ "$4" -lt 1024 ]; then
    as+=(--inh-caps=-all,+net_bind_service --ambient-caps=+net_bind_service --bounding-set=-all,+net_bind_service)
  else
    as+=(--inh-caps=-all --bounding-set=-all)
  fi
  for file in "$dir"/secrets/*; do
    [ -e "$file" ] || continue
    name=${file##*/}
    export "${name^^}_FILE=$file"
  done
  export ROLE=api DATA_DIR=$dir/data
  cd /
  umask 077
  if "${as[@]}" test -r "$root/dist/api/main.js" -a -x "$node"; then exec "${as[@]}" "$node" "$root/dist/api/main.js"; fi
  # a checkout that only root gets to, such as one below /root: of it the program is shown, to this process alone, and not to
  # be written to
  exec unshare --mount --propagation private bash -c '
    set -euo pipefail
    root=$1 node=$2 at=$3
    shift 3
    mount -t tmpfs -o mode=755,size=1m tmpfs "$at"
    mkdir -p "$at"/app/{dist,node_modules} && touch "$at/app/package.json" "$at/node" && chmod -R go+rX "$at/app"
    for part in dist node_modules package.json; do
      mount --bind "$root/$part" "$at/app/$part" && mount -o remount,bind,ro "$at/app/$part"
    done
    mount --bind "$node" "$at/node"
    exec "$@" "$at/node" "$at/app/dist/api/main.js"' api "$root" "$node" "$dir/program" "${as[@]}"
}
