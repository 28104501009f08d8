#!/usr/bin/env bash
# Removes hostings, whether or not the service is running: by name, user, label or age, or all of them.
#   ./scripts/teardown.sh --help
exec "$(dirname "${BASH_SOURCE[0]}")/webhoster" teardown --local "$@"
