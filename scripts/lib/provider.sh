# shellcheck shell=bash disable=SC2034 # what is set here is used by the scripts
# Terraform's provider for libvirt, in a filesystem mirror under CACHE_DIR. Needs environment.sh; TERRAFORM_BIN is set.
#
# Built from the pinned Go modules (checksums in go.sum) with its libvirt client mended, where there is Go: as it comes, the
# provider hangs or fails in about 5 of 100 refreshing plans (docs/adr/0018-provider-with-a-mended-client.md). Else from
# Terraform's registry, whose signature Terraform checks. build.json beside it tells which.

PROVIDER_VERSION=0.8.3
PROVIDER_SOURCE=$ROOT/engine/machine/terraform/provider
provider_file() {
  printf '%s/providers/%s/dmacvicar/libvirt/%s/linux_%s/terraform-provider-libvirt_v%s' \
    "$CACHE_DIR" "$1" "$PROVIDER_VERSION" "$(dpkg --print-architecture)" "$PROVIDER_VERSION"
}
# Steps that the build comes after. A bare machine trusts nobody before the distribution's packages are there.
TRUST='' PROVIDER_AFTER='packages terraform'
[ -e /etc/ssl/certs/ca-certificates.crt ] || TRUST=packages
if command -v go >/dev/null; then PROVIDER_AFTER=$TRUST; fi

provider_stamp() { cat "$PROVIDER_SOURCE"/{go.mod,go.sum,whole-streams.sed} | sha256sum | cut -c1-16; }
need_provider() {
  local of build
  read -r of build < <(cat "$CACHE_DIR/providers/.built-from" 2>/dev/null) || true
  [ "${of:-}" = "$(provider_stamp)" ] || return 0
  # what was fetched for want of Go is replaced once there is Go
  [ "$build" = registry ] && command -v go >/dev/null
}
do_provider() {
  local work file build
  work=$(mktemp -d)
  file=$(provider_file registry.terraform.io)
  install -d -m 0755 "$(dirname "$file")"
  if command -v go >/dev/null; then
    build=whole-streams
    build_provider "$work" "$file.new"
  elif fetch_provider "$work"; then
    build=registry
    cp "$(find "$work/mirror" -name 'terraform-provider-libvirt_v*' -type f | head -n 1)" "$file.new"
    say "the registry's provider hangs or fails in about 5 of 100 plans, which are stopped after 20 s and retried; with Go installed, a provider without this defect is built"
  else
    fail "Go is not installed, and the Terraform registry cannot be reached: install Go 1.23 or newer to build the provider from source, and run this again"
  fi
  chmod 0755 "$file.new"
  mv "$file.new" "$file"
  # OpenTofu asks for the same provider under its own registry's name
  install -D -m 0755 "$file" "$(provider_file registry.opentofu.org)"
  printf '{"version":"%s","build":"%s","sha256":"%s"}\n' "$PROVIDER_VERSION" "$build" "$(sha256sum "$file" | cut -c1-64)" >"$CACHE_DIR/providers/build.json"
  echo "$(provider_stamp) $build" >"$CACHE_DIR/providers/.built-from"
  rm -rf "$work"
}

# build_provider WORK FILE: with a copy of the client in which exactly what is meant to differ does, or not at all.
build_provider() {
  local client
  cp "$PROVIDER_SOURCE"/{go.mod,go.sum,tools.go} "$1/"
  cd "$1"
  client=$(go mod download -json github.com/digitalocean/go-libvirt | sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p')
  cp -r "$client" client
  chmod -R u+w client
  sed -i -f "$PROVIDER_SOURCE/whole-streams.sed" client/rpc.go
  sha256sum --check --status "$PROVIDER_SOURCE/whole-streams.sha256" ||
    fail "whole-streams.sed was not made for this rpc.go of go-libvirt: review the new version of the client, and write its checksum to whole-streams.sha256 once it is correct"
  go mod edit -replace github.com/digitalocean/go-libvirt=./client
  CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags='-s -w' -o "$2" github.com/dmacvicar/terraform-provider-libvirt
}

fetch_provider() {
  cat >"$1/main.tf" <<TF
terraform {
  required_providers {
    libvirt = {
      source  = "dmacvicar/libvirt"
      version = "$PROVIDER_VERSION"
    }
  }
}
TF
  touch "$1/empty.tfrc"
  (cd "$1" && TF_CLI_CONFIG_FILE="$1/empty.tfrc" CHECKPOINT_DISABLE=1 timeout 120 "$TERRAFORM_BIN" providers mirror -platform="linux_$(dpkg --print-architecture)" mirror) &&
    (cd "$1/mirror" && for zip in $(find . -name '*.zip'); do unzip -o -q "$zip"; done)
}
