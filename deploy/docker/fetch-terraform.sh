#!/bin/bash
# Terraform and its libvirt provider in /opt/vm-webhoster, as scripts/start.sh fetches them (pinned checksum, registry's
# signature), or from deploy/offline.
set -euo pipefail
export CACHE_DIR=/opt/vm-webhoster
install -d "$CACHE_DIR/bin"
if [ -d /offline/providers ]; then
  cp -r /offline/providers "$CACHE_DIR/"
  cp /offline/terraform "$CACHE_DIR/bin/terraform"
  exit
fi
export DATA_DIR=/tmp TERRAFORM_BIN=$CACHE_DIR/bin/terraform
# shellcheck source=scripts/lib/steps.sh
. /src/scripts/lib/steps.sh
# shellcheck source=scripts/lib/install.sh
. /src/scripts/lib/install.sh
# shellcheck source=scripts/lib/provider.sh
. /src/scripts/lib/provider.sh
do_terraform
do_provider
