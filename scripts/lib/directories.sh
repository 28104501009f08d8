# shellcheck shell=bash
# Where the service keeps what must not be lost, and its secrets.

need_directories() {
  local name
  [ -f "$DATA_DIR/.vm-webhoster" ] && [ -d "$DATA_DIR/run" ] && [ -d "$CACHE_DIR" ] || return 0
  for name in "${SECRET_NAMES[@]}"; do [ -s "$DATA_DIR/secrets/${name,,}" ] || return 0; done
  return 1
}
do_directories() {
  # others pass through to what is theirs (Nginx's pages, PostgreSQL's data) and see nothing else
  install -d -m 0711 "$DATA_DIR"
  install -d -m 0755 "$CACHE_DIR"
  install -d -m 0700 "$RUN_DIR" "$DATA_DIR/secrets"
  # what stop.sh --purge looks for before it removes a directory
  (umask 077 && touch "$DATA_DIR/.vm-webhoster")
  local name file
  for name in "${SECRET_NAMES[@]}"; do
    file=$DATA_DIR/secrets/${name,,}
    [ -s "$file" ] || (umask 077 && head -c 36 /dev/urandom | base64 >"$file")
  done
}
