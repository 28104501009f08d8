#!/usr/bin/env bash
# Takes hostings down, whether or not the service runs: by name, user, label, age, or all of them.
#   ./scripts/teardown.sh --help
exec "$(dirname "${BASH_SOURCE[0]}")/webhoster" teardown --local "$@"
