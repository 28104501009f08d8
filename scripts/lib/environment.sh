# shellcheck shell=bash
# The settings that scripts need before the engine can read its own: .env, directories, secrets.

# .env gives defaults; what the environment says wins.
load_environment() {
  local line name value
  if [ -f "$ROOT/.env" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      [[ $line =~ ^([A-Z0-9_]+)=(.*)$ ]] || continue
      name=${BASH_REMATCH[1]}
      value=${BASH_REMATCH[2]%$'\r'}
      # as every reader of such files: one pair of quotes around a value is not part of it
      if [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]]; then value=${BASH_REMATCH[1]}; fi
      [ -n "${!name+set}" ] || export "$name=$value"
    done <"$ROOT/.env"
  fi
  export DATA_DIR=${DATA_DIR:-/var/lib/vm-webhoster}
  export CACHE_DIR=${CACHE_DIR:-/var/cache/vm-webhoster}
  export IMAGE=${IMAGE:-debian-13}
  export API_PORT=${API_PORT:-8000}
  export HTTP_PORT=${HTTP_PORT:-80}
  export PUBLIC_HOST=${PUBLIC_HOST:-localhost}
  export LIBVIRT_URI=${LIBVIRT_URI:-qemu:///system}
  export NODE_ENV=${NODE_ENV:-production}
  RUN_DIR=$DATA_DIR/run
  # programs that this script fetched itself
  export PATH="$CACHE_DIR/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"
}

# Secrets are made once, kept in files of their own that only root reads, and named by NAME_FILE.
SECRET_NAMES=(JWT_SECRET STATE_KEY POSTGRES_PASSWORD METRICS_TOKEN)

use_secrets() {
  local name variable
  for name in "${SECRET_NAMES[@]}"; do
    variable=${name}_FILE
    [ -z "${!name:-}" ] && [ -z "${!variable:-}" ] || continue
    # nothing but the metrics page wants this one: a directory for a restore has none
    [ "$name" != METRICS_TOKEN ] || [ -e "$DATA_DIR/secrets/metrics_token" ] || continue
    export "$variable=$DATA_DIR/secrets/${name,,}"
  done
}

# The addresses that users are given, as engine/base/origins.ts makes them; without a slash at their end.
web_origin() {
  if https_everywhere; then origin https "${HTTPS_PORT:-443}" 443; else origin http "$HTTP_PORT" 80; fi
}
api_origin() {
  if [ "${TLS_MODE:-off}" != off ] && [ -n "${API_HTTPS_PORT:-}" ]; then
    origin https "$API_HTTPS_PORT" 443
  else
    echo "http://$PUBLIC_HOST:$API_PORT"
  fi
}
# origin SCHEME PORT ITS-OWN-PORT
origin() { if [ "$2" = "$3" ]; then echo "$1://$PUBLIC_HOST"; else echo "$1://$PUBLIC_HOST:$2"; fi; }
# An authority gives no certificate for an address, nor for a name without a domain.
https_everywhere() {
  case ${TLS_MODE:-off} in
  off) return 1 ;;
  acme) [[ $PUBLIC_HOST =~ \.[^.]*[A-Za-z][^.]*$ ]] ;;
  esac
}

webhoster() { node "$ROOT/dist/cli/main.js" "$@"; }

# Terraform, or OpenTofu where that is what the machine has.
find_terraform() {
  if [ -n "${TERRAFORM_BIN:-}" ]; then return; fi
  if command -v terraform >/dev/null; then TERRAFORM_BIN=$(command -v terraform); elif command -v tofu >/dev/null; then TERRAFORM_BIN=$(command -v tofu); else TERRAFORM_BIN=$CACHE_DIR/bin/terraform; fi
  export TERRAFORM_BIN
}
