#!/usr/bin/env bash
# Checks everything in the HTTP API of a running system that needs no VM: health, version, documentation, accounts and
# tokens, and the requests that it must refuse, each with its status and error code.
#
#   ./scripts/test-api.sh
# shellcheck disable=SC2317,SC2016 # the checks are called by name; what is in single quotes is JavaScript
set -euo pipefail
# shellcheck source=scripts/lib/client.sh
. "$(dirname "$0")/lib/client.sh"
usage_of "$0" "$@"

# refuses WHAT STATUS CODE METHOD PATH [CURL-ARGUMENT...]
refuses() {
  local what=$1 status=$2 code=$3
  shift 3
  check "$status $code: $what" refused "$status" "$code" "$@"
}
refused() {
  local status=$1 code=$2 found
  shift 2
  answers "$status" "$@" && mapfile -t found < <(json success error.code error.request_id message) || return
  same success "${found[0]}" false && same code "${found[1]}" "$code" &&
    same request_id "${found[2]}" "$(header x-request-id)" && [ -n "${found[3]}" ]
}
# refuses_field WHAT FIELD PATH NAME=VALUE...: a JSON body of which one field is wrong.
refuses_field() {
  local what=$1 field=$2 path=$3
  shift 3
  check "400 validation_failed: $what" field_refused "$field" "$path" -H 'Content-Type: application/json' --data-binary "$(as_json "$@")"
}
field_refused() {
  local field=$1 path=$2
  shift 2
  refused 400 validation_failed POST "$path" "$@" && same field "$(json error.details.fields.0.field)" "$field"
}

healthy() { answers 200 GET "$1" && same status "$(json data.status)" ok; }
# Strangers are told the status alone; the parts as well where this machine or METRICS_TOKEN opens them.
parts_healthy() {
  local found token=()
  [ -z "${METRICS_TOKEN:-}" ] || token=(-H "Authorization: Bearer $METRICS_TOKEN")
  answers 200 GET "$1" "${token[@]}" && same status "$(json data.status)" ok || return
  FOUND='status only'
  if [ -z "${METRICS_TOKEN:-}" ] && ! grep -q '"components"' "$WORK/body"; then return; fi
  mapfile -t found < <(json data.status data.components.{0..7}.status data.components.{0..7}.name)
  same status "${found[*]:0:9}" 'ok ok ok ok ok ok ok ok ok' || return
  FOUND=${found[*]:9}
  same parts "$FOUND" 'postgres queue libvirt network vms nginx terraform disk'
}
shows_version() {
  local found
  answers 200 GET "$1" && mapfile -t found < <(json data.name data.api_version data.version) || return
  FOUND=${found[*]}
  same name "${found[0]}" vm-webhoster && same api_version "${found[1]}" v1 && [ -n "${found[2]}" ]
}
shows_docs() {
  local file files
  answers 200 GET /docs && grep -q 'id="swagger-ui"' "$WORK/body" || return
  mapfile -t files < <(grep -Eo '(src|href)="/docs/[^"]+' "$WORK/body" | cut -d'"' -f2)
  for file in "${files[@]}"; do answers 200 GET "$file" && [ -s "$WORK/body" ] || return; done
  FOUND="${#files[@]} files"
}
documented() {
  answers 200 GET /openapi.json && same openapi "$(json openapi)" 3.1.0 || return
  FOUND=$(node -e '
    const { paths } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    const wanted = {
      "/api/v1/auth/register": "post", "/api/v1/auth/login": "post", "/api/v1/auth/me": "get",
      "/api/v1/host": "post", "/api/v1/host/my": "get delete", "/api/v1/operations/{id}": "get",
      "/api/v1/operations/{id}/events": "get", "/api/v1/operations/{id}/cancel": "post",
      "/api/v1/admin/operations": "get",
      "/api/v1/health": "get", "/api/v1/health/detailed": "get", "/api/v1/version": "get",
    };
    for (const [path, methods] of Object.entries(wanted))
      for (const method of methods.split(" "))
        if (!paths[path]?.[method]) { console.log(`${method} ${path} is not documented`); process.exit(1); }
    console.log(`${Object.keys(paths).length} paths`);
  ' "$WORK/body")
}
# Whoever is nobody learns nothing, but every documented address is there: neither "no such address" nor "no such method".
all_served() {
  local method path count=0
  answers 200 GET /openapi.json || return
  node -e '
    const { paths } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    for (const [path, methods] of Object.entries(paths))
      for (const method of Object.keys(methods)) console.log(method.toUpperCase(), path.replace(/\{\w+\}/g, "0"));
  ' "$WORK/body" >"$WORK/routes"
  while read -r method path; do
    call "$method" "$path" || return
    if [ "$STATUS" -ge 500 ] || grep -Eq '"code":"(not_found|method_not_allowed)"' "$WORK/body"; then
      echo "$method $path: $STATUS"
      return 1
    fi
    count=$((count + 1))
  done <"$WORK/routes"
  FOUND="$count routes"
}
guarded() {
  answers 200 GET /api/v1/version && same 'x-content-type-options' "$(header x-content-type-options)" nosniff &&
    same 'x-frame-options' "$(header x-frame-options)" DENY && same 'cache-control' "$(header cache-control)" no-store &&
    same 'x-powered-by' "$(header x-powered-by)" '' && same 'access-control-allow-origin' "$(header access-control-allow-origin)" ''
}
keeps_request_id() { call GET /api/v1/nothing -H 'X-Request-Id: check-42' && same request_id "$(json error.request_id)" check-42; }
names_methods() { call PUT /api/v1/host/my && same allow "$(header allow)" 'DELETE, GET, HEAD, OPTIONS'; }
asks_for_bearer() { call GET /api/v1/auth/me && same www-authenticate "$(header www-authenticate)" Bearer; }
speaks_korean() {
  call GET /api/v1/nothing -H 'Accept-Language: ko-KR,ko;q=0.9' || return
  FOUND=$(json message)
  same content-language "$(header content-language)" ko && [ "$(LC_ALL=C tr -d '\1-\177' <<<"$FOUND" | wc -c)" -gt 0 ]
}
hides_password() { ! grep -qiF -e "$PASSWORD" -e password "$WORK/body"; }
# The two answers differ in the request id alone.
tells_nobody_apart() {
  local unknown
  call POST /api/v1/auth/login --data-urlencode "username=nobody-$EMAIL" --data-urlencode "password=$PASSWORD" && unknown="$STATUS $(json message)" &&
    call POST /api/v1/auth/login --data-urlencode "username=$EMAIL" --data-urlencode "password=x$PASSWORD" && same answer "$STATUS $(json message)" "$unknown"
}
knows_me() { answers 200 GET /api/v1/auth/me && same email "$(json data.user.email)" "$EMAIL" && same role "$(json data.user.role)" user; }
# The claims of a good token under `alg: none`.
unsigned_token() {
  node -p '
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    `${part({ alg: "none", typ: "JWT" })}.${part({ sub: process.argv[1], iss: "vm-webhoster", aud: "vm-webhoster-api", iat: now, exp: now + 600 })}.`;
  ' "$USER_ID"
}

begin 'The HTTP API'
note 'service'
for path in /api/v1/health /health; do check "GET $path" healthy "$path"; done
for path in /api/v1/health/detailed /health/detailed; do check "GET $path" parts_healthy "$path"; done
for path in /api/v1/version /version; do check "GET $path" shows_version "$path"; done
check 'GET /docs with all its files' shows_docs
check 'GET /openapi.json describes the API' documented
check 'every documented address is served' all_served
check 'security headers for browsers' guarded
check 'a request ID that was sent is returned' keeps_request_id
check 'messages in Korean on request' speaks_korean
refuses 'an unknown address' 404 not_found GET /api/v1/nothing
refuses 'a method that an address does not support' 405 method_not_allowed PUT /api/v1/host/my
check '405 names the supported methods' names_methods

note 'registration'
new_user
AUTH=/api/v1/auth
JSON=(-H 'Content-Type: application/json')
refuses 'a body that is not JSON' 400 malformed_json POST $AUTH/register "${JSON[@]}" -d '{"email":'
refuses 'a body of another type' 415 unsupported_media_type POST $AUTH/register -H 'Content-Type: text/plain' -d '{}'
head -c 70000 /dev/zero | tr '\0' x >"$WORK/large"
refuses 'a body of 70 kB' 413 payload_too_large POST $AUTH/register "${JSON[@]}" --data-binary "@$WORK/large"
refuses 'no body' 400 validation_failed POST $AUTH/register
refuses_field 'an invalid e-mail address' email $AUTH/register email=nobody "password=$PASSWORD" "username=$USERNAME"
refuses_field 'a password of 9 characters' password $AUTH/register "email=$EMAIL" password=abcdefgh1 "username=$USERNAME"
refuses_field 'a common password' password $AUTH/register "email=$EMAIL" password=password123 "username=$USERNAME"
refuses_field 'a password that is the e-mail address' password $AUTH/register "email=$EMAIL" "password=$EMAIL" "username=$USERNAME"
refuses_field 'a username with a space' username $AUTH/register "email=$EMAIL" "password=$PASSWORD" "username=mina kim"
refuses_field 'a reserved username' username $AUTH/register "email=$EMAIL" "password=$PASSWORD" username=admin
refuses_field 'a username with a template' username $AUTH/register "email=$EMAIL" "password=$PASSWORD" "username=\${file(\"/etc/passwd\")}"
refuses_field 'an unknown field' role $AUTH/register "email=$EMAIL" "password=$PASSWORD" "username=$USERNAME" role=admin
must 'registers a user' register
check 'the response contains no password' hides_password
refuses 'the same e-mail address in capitals' 409 email_taken POST $AUTH/register "${JSON[@]}" -d "$(as_json "email=${EMAIL^^}" "password=$PASSWORD" "username=$USERNAME-2")"
refuses 'the same username' 409 username_taken POST $AUTH/register "${JSON[@]}" -d "$(as_json "email=2-$EMAIL" "password=$PASSWORD" "username=$USERNAME")"

note 'login and tokens'
refuses 'JSON instead of a form' 415 unsupported_media_type POST $AUTH/login "${JSON[@]}" -d "$(as_json "username=$EMAIL" "password=$PASSWORD")"
refuses 'a wrong password' 401 invalid_credentials POST $AUTH/login --data-urlencode "username=$EMAIL" --data-urlencode "password=x$PASSWORD"
refuses 'an unknown user' 401 invalid_credentials POST $AUTH/login --data-urlencode "username=nobody-$EMAIL" --data-urlencode "password=$PASSWORD"
check 'both with the same message' tells_nobody_apart
refuses 'no token' 401 unauthorized GET $AUTH/me
check '401 asks for a bearer token' asks_for_bearer
for route in 'POST /api/v1/host' 'GET /api/v1/host/my' 'DELETE /api/v1/host/my' 'GET /api/v1/operations/0' 'GET /api/v1/admin/operations'; do
  read -r method path <<<"$route"
  refuses "$route without a token" 401 unauthorized "$method" "$path"
done
refuses 'an unsigned token' 401 unauthorized GET $AUTH/me -H "Authorization: Bearer $(unsigned_token)"
refuses 'nonsense as a token' 401 unauthorized GET $AUTH/me -H 'Authorization: Bearer nonsense'
refuses 'a NUL in the e-mail address' 401 invalid_credentials POST "$AUTH/login" -d 'username=a%00b&password=abcdefghij'
must 'logs in' log_in
check 'GET /auth/me accepts the token' knows_me
mv "$WORK/authorization" "$WORK/kept"
refuses 'the token with its signature changed' 401 unauthorized GET $AUTH/me -H "Authorization: Bearer ${TOKEN%.*}.$(tr 'A-Za-z' 'N-ZA-Mn-za-m' <<<"${TOKEN##*.}")"
refuses 'the token in the URL' 401 unauthorized GET "$AUTH/me?access_token=$TOKEN"
mv "$WORK/kept" "$WORK/authorization"

note 'hostings and operations'
HAS_HOSTING=yes # nothing below should make one; whatever does is deleted at the end
HOST=/api/v1/host
KEY='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILdY6r9jfAmsUfix6q9FxYwSxY690IUa31CYrEDEkunI'
refuses 'GET without a hosting' 404 hosting_not_found GET $HOST/my
refuses 'DELETE without a hosting' 404 hosting_not_found DELETE $HOST/my
refuses_field 'an invalid public key' ssh_public_key $HOST 'ssh_public_key=ssh-ed25519 AAAA'
refuses_field 'a public key with options' ssh_public_key $HOST "ssh_public_key=command=\"id\" $KEY"
refuses_field 'the fingerprint of a key' ssh_public_key $HOST 'ssh_public_key=256 SHA256:9cV3u2w0nVZ0q5ZC7bq0Kjv kim@laptop (ED25519)'
refuses_field 'two public keys' ssh_public_key $HOST "ssh_public_key=$KEY"$'\n'"$KEY"
refuses_field 'a private key' ssh_public_key $HOST 'ssh_public_key=-----BEGIN OPENSSH PRIVATE KEY-----'
refuses_field 'an unknown field' memory_mib $HOST memory_mib=65536
refuses 'a list instead of an object' 400 validation_failed POST $HOST "${JSON[@]}" -d '[]'
refuses 'an idempotency key that is too long' 400 validation_failed POST $HOST -H "Idempotency-Key: $(head -c 300 /dev/zero | tr '\0' k)"
refuses 'an invalid operation ID' 400 validation_failed GET /api/v1/operations/nonsense
refuses 'an unknown operation' 404 operation_not_found GET /api/v1/operations/00000000-0000-4000-8000-000000000000
refuses 'its events' 404 operation_not_found GET /api/v1/operations/00000000-0000-4000-8000-000000000000/events
refuses 'its cancellation' 404 operation_not_found POST /api/v1/operations/00000000-0000-4000-8000-000000000000/cancel
refuses 'an operation ID with a slash' 400 validation_failed GET /api/v1/operations/..%2Fx
refuses 'the operations of all users, to a user' 403 forbidden GET /api/v1/admin/operations
refuses 'still no hosting' 404 hosting_not_found GET $HOST/my
summary
