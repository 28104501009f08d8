# shellcheck shell=bash disable=SC2034 # what is read here is used by the scripts
# A client of a running system, and a record of what it found: one line a check, with its time, and a summary.
# Needs bash, curl, ssh, sftp and node. Makes a throw-away user, and at the end, however it comes, deletes that
# user's hosting and every local file it made.

# shellcheck source=scripts/lib/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"
# shellcheck source=scripts/lib/environment.sh
. "$ROOT/scripts/lib/environment.sh"

# usage_of SCRIPT [ARGUMENT...]: prints the script's opening comment for --help, and for anything it does not know.
usage_of() {
  local script=$1
  shift
  [ $# -gt 0 ] || return 0
  sed -n '2,/^[^#]/{/^# shellcheck/d;s/^# \{0,1\}//p}' "$script"
  cat <<'TEXT'

  API_URL   address of the API    [http://PUBLIC_HOST:API_PORT, or https:// with API_HTTPS_PORT]
  WEB_URL   address of the pages  [http://PUBLIC_HOST:HTTP_PORT, or https:// with HTTPS_PORT]
  CA_FILE   certificates to trust with https, in PEM; with TLS_MODE=self-signed, that of the service on this machine

Other settings come from the environment, then from .env. Exit status: 0 all checks passed, 1 some failed, 2 wrong
usage.
TEXT
  [ "$1" = --help ] && exit 0 || exit 2
}

# begin TITLE: settings, a directory of our own, and a system that answers.
begin() {
  load_environment
  local program
  API_URL=${API_URL:-$(api_origin)}
  WEB_URL=${WEB_URL:-$(web_origin)}
  API_URL=${API_URL%/} WEB_URL=${WEB_URL%/}
  WORK=$(umask 077 && mktemp -d)
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  STARTED=$(now_ms) PASSED=0 FAILED=0 HAS_HOSTING='' FOUND=''
  for program in curl ssh sftp node; do command -v "$program" >/dev/null || fail "$program is required but not installed"; done
  trust_service
  say "$BOLD$1$OFF"
  note "API $API_URL   pages $WEB_URL"
  call GET /api/v1/health || fail "no answer at $API_URL: start the system (scripts/start.sh), or set API_URL"
}

# trust_service: what signs itself is known by its certificate; nothing is asked without a look at it.
trust_service() {
  case $API_URL$WEB_URL in *https://*) ;; *) return 0 ;; esac
  if [ -n "${CA_FILE:-}" ]; then
    [ -r "$CA_FILE" ] || fail "CA_FILE: $CA_FILE does not exist, or cannot be read"
    cat "$CA_FILE" >"$WORK/trusted.crt"
  elif [ "${TLS_MODE:-off}" = self-signed ]; then
    cat "$DATA_DIR"/nginx/tls/*.crt >"$WORK/trusted.crt" 2>/dev/null ||
      fail "only root can read the certificate of the service in $DATA_DIR/nginx/tls: run this as root on its machine, or set CA_FILE to a copy"
  else
    return 0
  fi
  export CURL_CA_BUNDLE=$WORK/trusted.crt
}

# check WHAT COMMAND...: runs the command and says how it went; CHECKED holds its status. What it puts into FOUND is
# shown; what it prints is shown when it fails. Always succeeds itself: one failure does not end the script.
check() {
  local what=$1 started
  shift
  FOUND='' CHECKED=0
  started=$(now_ms)
  "$@" >"$WORK/output" 2>&1 || CHECKED=$?
  if [ "$CHECKED" -eq 0 ]; then
    PASSED=$((PASSED + 1))
    printf '%sok%s      %8s  %s' "$GREEN" "$OFF" "$(seconds_since "$started")" "$what"
  else
    FAILED=$((FAILED + 1))
    printf '%sFAILED%s  %8s  %s' "$RED" "$OFF" "$(seconds_since "$started")" "$what"
  fi
  [ -z "$FOUND" ] && echo || printf '  %s(%s)%s\n' "$DIM" "$FOUND" "$OFF"
  [ "$CHECKED" -eq 0 ] || tail -n 8 "$WORK/output" | sed 's/^/                    /'
}

# must WHAT COMMAND...: as check, but nothing after it makes sense when it fails.
must() {
  check "$@"
  [ "$CHECKED" -eq 0 ] || summary
}

summary() {
  local colour=$GREEN word=passed
  [ "$FAILED" -eq 0 ] || { colour=$RED word=FAILED; }
  printf '%s%s%s: %d ok, %d failed, %s\n' "$colour" "$word" "$OFF" "$PASSED" "$FAILED" "$(seconds_since "$STARTED")"
  [ "$FAILED" -eq 0 ]
  exit
}

clean_up() {
  local status=$?
  trap - EXIT INT TERM HUP
  if [ -n "$HAS_HOSTING" ]; then
    call DELETE /api/v1/host/my --max-time 300 || true
    case $STATUS in
    200 | 404) ;;
    *)
      say "the hosting of $EMAIL could not be deleted: $STATUS $(json message)"
      [ "$status" -ne 0 ] || status=1
      ;;
    esac
  fi
  rm -rf "$WORK" "$STEP_LOG"
  exit "$status"
}

# call METHOD PATH [CURL-ARGUMENT...]: asks the API, with the token once there is one. Fills STATUS, $WORK/body and
# $WORK/headers; fails only when nothing answers.
call() {
  local method=$1 path=$2
  shift 2
  [ ! -f "$WORK/authorization" ] || set -- -H "@$WORK/authorization" "$@"
  : >"$WORK/body"
  STATUS=$(curl -sS -X "$method" --max-time 60 -o "$WORK/body" -D "$WORK/headers" -w '%{http_code}' "$@" "$API_URL$path")
}

# json FIELD...: values of the last answer, e.g. data.hosting.vm_name, a line each; a list or an object as JSON, an empty
# line for what is absent.
json() {
  # shellcheck disable=SC2016 # JavaScript
  node -e '
    const [file, ...fields] = process.argv.slice(1);
    let answer;
    try { answer = JSON.parse(require("fs").readFileSync(file, "utf8")); } catch { /* every field is absent */ }
    for (const field of fields) {
      const value = field.split(".").reduce((found, name) => found?.[name], answer) ?? "";
      console.log(typeof value === "object" ? JSON.stringify(value) : String(value));
    }
  ' "$WORK/body" "$@"
}

# header NAME: a header of the last answer.
header() { sed -n "s/^$1: *//Ip" "$WORK/headers" | tr -d '\r' | tail -n 1; }

# same WHAT FOUND WANTED
same() {
  [ "$2" = "$3" ] && return
  echo "$1: found '$2', expected '$3'"
  return 1
}

# answers STATUS METHOD PATH [CURL-ARGUMENT...]
answers() {
  local wanted=$1
  shift
  call "$@" || return
  same status "$STATUS" "$wanted" && return
  head -c 600 "$WORK/body"
  return 1
}

random_word() { head -c 12 /dev/urandom | base64 | tr -dc 'a-z0-9' | head -c "$1"; }

# new_user: a name nobody has. new_user, then register and log_in as checks.
new_user() {
  USERNAME=check-$(random_word 4)$((RANDOM % 9000 + 1000))
  EMAIL=$USERNAME@example.com
  PASSWORD=$(head -c 18 /dev/urandom | base64)
}
as_json() { node -p 'JSON.stringify(Object.fromEntries(process.argv.slice(1).map((pair) => pair.split(/=(.*)/s).slice(0, 2))))' -- "$@"; }
post_json() {
  local path=$1
  shift
  call POST "$path" -H 'Content-Type: application/json' --data-binary "$(as_json "$@")"
}

register() {
  post_json /api/v1/auth/register "email=$EMAIL" "password=$PASSWORD" "username=$USERNAME" || return
  USER_ID=$(json data.user.id)
  FOUND="$USERNAME, user $USER_ID"
  same status "$STATUS" 201 && same username "$(json data.user.username)" "$USERNAME"
}

log_in() {
  call POST /api/v1/auth/login --data-urlencode "username=$EMAIL" --data-urlencode "password=$PASSWORD" || return
  same status "$STATUS" 200 && same token_type "$(json token_type)" bearer || return
  TOKEN=$(json access_token)
  [ -n "$TOKEN" ] || { echo "no access_token"; return 1; }
  printf 'Authorization: Bearer %s\n' "$TOKEN" >"$WORK/authorization"
}

# create_hosting: POST /host, and everything the answer says about ways in. Files: $WORK/key, $WORK/known_hosts.
create_hosting() {
  HAS_HOSTING=yes
  call POST /api/v1/host --max-time 600 -H 'Prefer: wait=590' || return
  same status "$STATUS" 201 || { head -c 600 "$WORK/body"; return 1; }
  {
    read -r VM && read -r VM_IP && read -r SSH_PORT && read -r MEMORY_MIB && read -r DISK_GIB && read -r IMAGE
    read -r PAGE_URL && read -r SUBDOMAIN_URL && read -ra SSH_WORDS && read -ra SFTP_WORDS
  } < <(json data.hosting.{vm_name,vm_ip,ssh_port,memory_mib,disk_gib,image} data.{web_url,subdomain_url,ssh_command,sftp_command})
  (umask 077 && json data.ssh_private_key >"$WORK/key")
  node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).data.known_hosts.join("\n")' "$WORK/body" >"$WORK/known_hosts"
  FOUND="$VM, $VM_IP, SSH port $SSH_PORT, image $IMAGE"
  [ -s "$WORK/key" ] || { echo "no ssh_private_key"; return 1; }
  same status "$(json data.hosting.status)" running
}

delete_hosting() {
  call DELETE /api/v1/host/my --max-time 600 -H 'Prefer: wait=590' || return
  same status "$STATUS" 200 || { head -c 600 "$WORK/body"; return 1; }
  same 'hosting status' "$(json data.hosting.status)" deleted && HAS_HOSTING=''
}

# The commands of the answer, word for word, with our key and with the announced host keys as the only ones trusted.
SSH_OPTIONS=(-o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=15 -o StrictHostKeyChecking=yes
  -o GlobalKnownHostsFile=/dev/null -F /dev/null)
in_vm() { "${SSH_WORDS[0]}" -i "$WORK/key" -o UserKnownHostsFile="$WORK/known_hosts" "${SSH_OPTIONS[@]}" "${SSH_WORDS[@]:1}" "$@"; }
sftp_batch() { "${SFTP_WORDS[0]}" -i "$WORK/key" -o UserKnownHostsFile="$WORK/known_hosts" "${SSH_OPTIONS[@]}" -b - "${SFTP_WORDS[@]:1}"; }

# get_page URL [CURL-ARGUMENT...]: fills STATUS and $WORK/page. Every name leads to WEB_URL's machine, so that host
# names work before anybody has entered them in the DNS.
get_page() {
  local url=$1 place=${WEB_URL#*://} scheme=${1%%://*} port
  shift
  if [ "$scheme" = https ]; then port=${HTTPS_PORT:-443}; else port=$HTTP_PORT; fi
  if [ "$scheme" != "${WEB_URL%%://*}" ]; then
    place=${place%:*}:$port
  else
    case $scheme:$place in *:*:*) ;; https:*) place=$place:443 ;; *) place=$place:80 ;; esac
  fi
  STATUS=$(curl -sS --max-time 30 --connect-to "::$place" -o "$WORK/page" -w '%{http_code}' "$@" "$url")
}

# page_is URL STATUS [TEXT]
page_is() {
  get_page "$1" || return
  FOUND=$1
  same status "$STATUS" "$2" || return
  [ -z "${3:-}" ] || grep -qF -- "$3" "$WORK/page" || { echo "the page does not contain: $3"; head -c 400 "$WORK/page"; return 1; }
}
