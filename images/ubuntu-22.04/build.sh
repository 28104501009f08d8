#!/usr/bin/env bash
# Ubuntu 22.04 LTS (jammy).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../common/build.sh
source "$here/../common/build.sh"
# shellcheck source-path=SCRIPTDIR source=../common/guest.sh
source "$here/../common/guest.sh"
# shellcheck source-path=SCRIPTDIR source=../common/ubuntu.sh
source "$here/../common/ubuntu.sh"

build_ubuntu 22.04 "$@"
