#!/usr/bin/env bash
# Runs the whole workflow of a user on a running system: register, log in, create a hosting, check its page by path and
# by host name, use SSH and SFTP, delete the hosting, and check that nothing answers any more.
#
#   ./scripts/test-workflow.sh
# shellcheck disable=SC2317 # the checks are called by name
set -euo pipefail
# shellcheck source=scripts/lib/client.sh
. "$(dirname "$0")/lib/client.sh"
usage_of "$0" "$@"

shows_user() { call GET /api/v1/auth/me && same email "$(json data.user.email)" "$EMAIL" && same id "$(json data.user.id)" "$USER_ID"; }
shows_hosting() {
  call GET /api/v1/host/my && same vm_name "$(json data.hosting.vm_name)" "$VM" && same status "$(json data.hosting.status)" running &&
    same ssh_private_key "$(json data.ssh_private_key)" ''
}
second_refused() { answers 409 POST /api/v1/host && same code "$(json error.code)" quota_exceeded; }
names_vm() { FOUND=$(in_vm hostname) && same hostname "$FOUND" "$VM"; }
uploads() {
  local text="Written by $USERNAME"
  printf '<!doctype html><title>%s</title><h1>%s</h1>\n' "$USERNAME" "$text" >"$WORK/index.html"
  sftp_batch <<<"put $WORK/index.html /var/www/html/index.html"
}
no_hosting() { answers 404 GET /api/v1/host/my && same code "$(json error.code)" hosting_not_found; }
ssh_closed() {
  local output
  if output=$(in_vm true 2>&1); then
    echo "SSH still accepts the key"
    return 1
  fi
  FOUND=${output##*$'\n'}
  # Refused while the port is free; another VM behind a port given on shows another host key.
  grep -Eq 'Connection refused|HOST IDENTIFICATION HAS CHANGED|Host key verification failed' <<<"$output" || { echo "$output"; return 1; }
}

begin 'A user from registration to deletion'
new_user
must 'register' register
must 'log in' log_in
check 'the token belongs to the user' shows_user
must 'POST /host: a VM with a web server' create_hosting
check 'page by path' page_is "$PAGE_URL" 200 "$VM"
check 'page by path without the slash' page_is "${PAGE_URL%/}" 200 "$VM"
check 'page by host name' page_is "$SUBDOMAIN_URL" 200 "$VM"
check 'GET /host/my shows it, without the key' shows_hosting
check 'a second hosting is refused' second_refused
check 'ssh with the returned key' names_vm
check 'sftp: put index.html /var/www/html/index.html' uploads
check 'the new page by path' page_is "$PAGE_URL" 200 "Written by $USERNAME"
check 'the new page by host name' page_is "$SUBDOMAIN_URL" 200 "Written by $USERNAME"
must 'DELETE /host/my' delete_hosting
check 'no hosting any more' no_hosting
check 'no page by path' page_is "$PAGE_URL" 404
check 'no page by host name' page_is "$SUBDOMAIN_URL" 404
check 'no SSH' ssh_closed
summary
