# shellcheck shell=bash
# `webhoster` on the PATH of everybody: a link to scripts/webhoster, where nothing else has the name.

COMMAND_LINK=${COMMAND_LINK:-/usr/local/bin/webhoster}

is_our_command() { [ "$(readlink -f -- "$COMMAND_LINK" 2>/dev/null)" = "$ROOT/scripts/webhoster" ]; }

link_command() {
  local other
  ! is_our_command || return 0
  # the link of a project that is gone leads nowhere, and may go
  other=$(PATH="$(dirname "$COMMAND_LINK"):$PATH" type -P webhoster) || other=''
  if [ -n "$other" ] || [ -e "$COMMAND_LINK" ]; then
    note "webhoster on the PATH is ${other:-$COMMAND_LINK}; the command of this service is $ROOT/scripts/webhoster"
    return 0
  fi
  install -d "$(dirname "$COMMAND_LINK")" && ln -sfn "$ROOT/scripts/webhoster" "$COMMAND_LINK"
}

unlink_command() { ! is_our_command || rm -f "$COMMAND_LINK"; }
