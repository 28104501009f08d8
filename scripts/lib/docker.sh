# shellcheck shell=bash disable=SC2034 # what is set here is used by the scripts
# The service in containers: which Compose there is, the settings that it is given, the secrets that it mounts.
# Needs steps.sh, environment.sh and install.sh.

# libvirt and QEMU stay on the machine: VMs outlive every container
PACKAGES=(libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils dnsmasq-base curl iproute2 ca-certificates)
SECRET_NAMES=(JWT_SECRET STATE_KEY POSTGRES_PASSWORD REDIS_PASSWORD METRICS_TOKEN GRAFANA_PASSWORD)
# the user of every container that is not root; the Dockerfiles say the same
CONTAINER_USER=64064

load_docker_settings() {
  load_environment
  export POOL_DIR=${POOL_DIR:-/var/lib/libvirt/vm-webhoster}
  export DOCKER_NETWORK=${DOCKER_NETWORK:-172.20}
  export API_BACKEND_PORTS=${API_BACKEND_PORTS:-8001-8004}
  export COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-vm-webhoster}
  # a container cannot have more than Docker itself may give
  [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 65536 ] || export NGINX_FILES=${NGINX_FILES:-$(ulimit -Hn)}
  [[ $DOCKER_NETWORK =~ ^[0-9]{1,3}\.[0-9]{1,3}$ ]] || fail "DOCKER_NETWORK must be the first two numbers of a /16, e.g. 172.20"
  [[ ${API_REPLICAS:-1} =~ ^[1-9][0-9]?$ ]] || fail "API_REPLICAS must be a number from 1 to 99"
}

# The first release that includes files as ours are.
COMPOSE_LEAST=2.24
has_compose() { at_least "$COMPOSE_LEAST" "$(docker compose version --short 2>/dev/null)"; }
at_least() { [ -n "${2#v}" ] && [ "$(printf '%s\n' "$1" "${2#v}" | sort -V | head -n 1)" = "$1" ]; }
# compose_package: what the plugin is called here; nothing where the distribution has an older one only.
compose_package() {
  local package version known=''
  for package in docker-compose-v2 docker-compose-plugin docker-compose; do
    version=$(apt-cache policy "$package" 2>/dev/null | sed -n 's/^ *Candidate: \(.*:\)\?\([0-9]\)/\2/p')
    if at_least "$COMPOSE_LEAST" "$version"; then
      echo "$package"
      return
    fi
    known+=$version
  done
  # nobody has asked for a list of packages yet
  [ -n "$known" ] || echo docker-compose
}
# Settings come from the environment of this call only: a .env beside docker-compose.yml has been read already.
compose() { (cd "$ROOT" && docker compose --env-file "$DATA_DIR/docker.env" --project-name "$COMPOSE_PROJECT_NAME" "$@"); }

docker_answers() { timeout 10 docker version >/dev/null 2>&1; }

# need_docker_tools, or fail with what to do
require_docker() {
  docker_answers || fail "Docker does not answer; start it (systemctl start docker), or run scripts/docker-start.sh"
  has_compose || fail "Docker Compose is missing: install its plugin, $COMPOSE_LEAST or newer"
  [ -f "$DATA_DIR/docker.env" ] || fail "$DATA_DIR has not been set up; run scripts/docker-start.sh"
  # of a start by an earlier version there is none
  [ -f "$STARTED_ENV" ] || write_started
}

# The settings of the service without secrets, for containers and for Compose.
write_settings() {
  local name secret_names=' DATABASE_URL REDIS_URL JWT_SECRET STATE_KEY POSTGRES_PASSWORD METRICS_TOKEN OTEL_EXPORTER_OTLP_HEADERS '
  # where the containers have their own
  local own=' ROLE POSTGRES_PORT TERRAFORM_BIN NGINX_BIN NGINX_CONTROL API_BACKENDS LIBVIRT_URI '
  {
    echo "# Written by scripts/docker-start.sh from .env and the environment; changes made here are lost at the next start."
    sed -n 's/^#\([A-Z_0-9]*\)=.*/\1/p' "$ROOT/.env.example" | while read -r name; do
      [[ $secret_names$own == *" $name "* || $name == *_FILE || -z ${!name:-} ]] || printf '%s=%s\n' "$name" "${!name}"
    done
    cat <<TEXT
LIBVIRT_URI=qemu:///system
API_BACKENDS=127.0.0.1:$API_BACKEND_PORTS
API_BACKEND_PORTS=$API_BACKEND_PORTS
DATABASE_URL_FILE=/run/secrets/database_url
REDIS_URL_FILE=/run/secrets/redis_url
TRUSTED_PROXIES=${TRUSTED_PROXIES:-$DOCKER_NETWORK.0.1}
JWT_SECRET_FILE=/run/secrets/jwt_secret
STATE_KEY_FILE=/run/secrets/state_key
TEXT
    if [ -s "$DATA_DIR/secrets/otlp_headers" ]; then
      printf 'OTLP_HEADERS=%s\nOTEL_EXPORTER_OTLP_HEADERS_FILE=/run/secrets/otlp_headers\n' "$DATA_DIR/secrets/otlp_headers"
    fi
    for name in POOL_DIR DOCKER_NETWORK COMPOSE_PROJECT_NAME BASE_IMAGE BUILD_NETWORK IMAGE_TAG API_REPLICAS PROMETHEUS_PORT GRAFANA_PORT PROMETHEUS_IMAGE GRAFANA_IMAGE NGINX_FILES \
      POSTGRES_SHARED_BUFFERS {POSTGRES,API,WORKER,NGINX}_{MEMORY,CPUS}; do
      [ -z "${!name:-}" ] || printf '%s=%s\n' "$name" "${!name}"
    done
  } | awk -F= '!seen[$1]++' >"$DATA_DIR/docker.env.new"
  # who may talk to Docker may do everything, and Compose reads this for them
  if getent group docker >/dev/null; then chgrp docker "$DATA_DIR/docker.env.new" && chmod 0640 "$DATA_DIR/docker.env.new"; fi
  mv "$DATA_DIR/docker.env.new" "$DATA_DIR/docker.env"
  write_started
}

# What Compose itself has to know, for `docker compose` without any of these scripts. Everybody may read it: names, numbers
# and paths by this list, and no secret.
STARTED_ENV=$ROOT/deploy/docker/started.env
STARTED_NAMES=(DATA_DIR CACHE_DIR POOL_DIR API_PORT HTTP_PORT API_BACKEND_PORTS API_REPLICAS DOCKER_NETWORK BASE_IMAGE BUILD_NETWORK IMAGE_TAG
  OTLP_HEADERS PROMETHEUS_PORT GRAFANA_PORT PROMETHEUS_IMAGE GRAFANA_IMAGE NGINX_FILES POSTGRES_SHARED_BUFFERS
  {POSTGRES,API,WORKER,NGINX}_{MEMORY,CPUS})
write_started() {
  local name
  {
    echo "# Written by scripts/docker-start.sh; changes made here are lost at the next start. Settings belong in .env."
    for name in "${STARTED_NAMES[@]}"; do grep "^$name=" "$DATA_DIR/docker.env" || true; done
  } >"$STARTED_ENV.new"
  chmod 0644 "$STARTED_ENV.new"
  mv "$STARTED_ENV.new" "$STARTED_ENV"
}
# forget_started: unless another service was started from here since.
forget_started() { if grep -qx "DATA_DIR=$DATA_DIR" "$STARTED_ENV" 2>/dev/null; then rm "$STARTED_ENV"; fi; }

# Each secret is made once, in a file that only the containers' user reads; root needs no permission.
write_secrets() {
  local name file dir=$DATA_DIR/secrets
  umask 077
  for name in "${SECRET_NAMES[@]}"; do
    file=$dir/${name,,}
    local given_file=${name}_FILE
    if [ -n "${!name:-}" ]; then
      printf '%s\n' "${!name}" >"$file"
    elif [ -n "${!given_file:-}" ] && [ "$(realpath -m "${!given_file}")" != "$file" ]; then
      cat "${!given_file}" >"$file"
    elif [ ! -s "$file" ]; then
      head -c 36 /dev/urandom | base64 >"$file"
    fi
  done
  if [ -n "${OTEL_EXPORTER_OTLP_HEADERS:-}" ]; then
    printf '%s\n' "$OTEL_EXPORTER_OTLP_HEADERS" >"$dir/otlp_headers"
  elif [ -z "${OTEL_EXPORTER_OTLP_HEADERS_FILE:-}" ]; then
    rm -f "$dir/otlp_headers"
  elif [ "$(realpath -m "$OTEL_EXPORTER_OTLP_HEADERS_FILE")" != "$dir/otlp_headers" ]; then
    cat "$OTEL_EXPORTER_OTLP_HEADERS_FILE" >"$dir/otlp_headers"
  fi
  printf 'postgres://vm_webhoster:%s@%s.0.10:5432/vm_webhoster\n' "$(in_url "$dir/postgres_password")" "$DOCKER_NETWORK" >"$dir/database_url"
  printf 'redis://:%s@%s.0.11:6379/0\n' "$(in_url "$dir/redis_password")" "$DOCKER_NETWORK" >"$dir/redis_url"
  chown "$CONTAINER_USER:$CONTAINER_USER" "$dir"/*
  chmod 0600 "$dir"/*
}
in_url() { tr -d '\n' <"$1" | sed -e 's/%/%25/g' -e 's/+/%2B/g' -e 's#/#%2F#g' -e 's/=/%3D/g' -e 's/@/%40/g' -e 's/:/%3A/g' -e 's/?/%3F/g' -e 's/#/%23/g'; }

# ask QUESTION: yes from a person, or from --yes.
ask() {
  local answer
  [ -z "${YES:-}" ] || return 0
  [ -t 0 ] || return 1
  read -r -p "$1 [y/N] " answer
  [[ $answer =~ ^[yY] ]]
}
