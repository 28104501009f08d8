#!/usr/bin/env bash
# Runs the Terraform contract tests and all system tests with OpenTofu instead: tofu from PATH, or built from source
# (5 to 10 minutes, cached under CACHE_DIR by checksum). Needs what scripts/test.sh installs. Options are passed to jest.
set -euo pipefail
# shellcheck source=scripts/lib/steps.sh
. "$(dirname "$0")/lib/steps.sh"
# shellcheck source=scripts/lib/environment.sh
. "$ROOT/scripts/lib/environment.sh"
# shellcheck source=scripts/lib/processes.sh
. "$ROOT/scripts/lib/processes.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"
# shellcheck source=scripts/lib/provider.sh
. "$ROOT/scripts/lib/provider.sh"
# shellcheck source=scripts/lib/libvirt.sh
. "$ROOT/scripts/lib/libvirt.sh"
# shellcheck source=scripts/lib/testing.sh
. "$ROOT/scripts/lib/testing.sh"
need_root "$@"
cd "$ROOT"
load_test_environment

STEPS=6
step modules "Node modules, with the test tools"
step build "Compile"
step tofu "OpenTofu"
TERRAFORM_BIN=$(command -v tofu || echo "$CACHE_DIR/opentofu/tofu")
export TERRAFORM_BIN
step provider "Terraform provider for libvirt"
step libvirt "libvirtd"
step micro "Guest image micro"

say "$("$TERRAFORM_BIN" version | head -n 1)"
status=0
npx jest --selectProjects contract system --runInBand --testPathPatterns 'contract/(terraform|plan-firewall|hcl)' 'system/' "$@" || status=$?
end_test_environment
[ "$status" -eq 0 ]
