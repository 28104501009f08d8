# shellcheck shell=bash
# Steps that put programs on the machine: distribution packages, Node modules, Terraform.

PACKAGES=(libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils dnsmasq-base genisoimage xsltproc
  mmdebstrap nginx-light libnginx-mod-stream libnginx-mod-http-lua openssh-client curl unzip ca-certificates util-linux iproute2
  e2fsprogs cpio xz-utils zstd busybox-static nftables)

missing_packages() {
  local package
  for package in "${PACKAGES[@]}"; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s\n' "$package"
  done
}

need_packages() { [ -n "$(missing_packages)" ]; }
do_packages() {
  command -v apt-get >/dev/null || fail "this system has no apt-get; install these packages yourself: ${PACKAGES[*]}"
  local missing had_nginx=''
  command -v nginx >/dev/null && had_nginx=yes
  mapfile -t missing < <(missing_packages)
  apt-get update -q -o DPkg::Lock::Timeout=300
  # one flush at the end instead of one for each file, which would wait for all that other steps write meanwhile
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-unsafe-io "${missing[@]}"
  sync -f /usr
  # The package starts its own server on port 80; ours takes its place. A server that was there before stays.
  if [ -z "$had_nginx" ] && [ -d /run/systemd/system ]; then systemctl disable --now nginx; fi
}

need_user() { ! getent passwd vm-webhoster >/dev/null; }
do_user() { useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin vm-webhoster; }

check_node() {
  local found
  found=$(node --version 2>/dev/null) || found=none
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); const least = { 20: 19, 22: 13, 24: 11 }[a] ?? (a > 24 ? 0 : Infinity); process.exit(b >= least ? 0 : 1)' 2>/dev/null ||
    fail "Node.js 20.19+, 22.13+ or 24.11+ is required, found: $found. Install it from your distribution or from nodejs.org and run this again."
}

# WITH_DEV=1 asks for the test tools and cdktf's command line too; a checkout that has them keeps them.
lock_stamp() { sha256sum "$ROOT/package-lock.json" | cut -c1-64; }
has_dev_modules() { [ -d "$ROOT/node_modules/jest" ]; }
need_modules() {
  [ "$(cat "$ROOT/node_modules/.lock-sha256" 2>/dev/null)" = "$(lock_stamp)" ] || return 0
  [ -n "${WITH_DEV:-}" ] && ! has_dev_modules
}
do_modules() {
  local omit=(--omit=dev)
  # by name: NODE_ENV=production would leave them out
  if [ -n "${WITH_DEV:-}" ] || has_dev_modules; then omit=(--include=dev); fi
  (cd "$ROOT" && npm ci "${omit[@]}" --no-audit --no-fund)
  lock_stamp >"$ROOT/node_modules/.lock-sha256"
}

sources_stamp() { (cd "$ROOT" && find api cli engine stacks templates tsconfig.json -type f | grep -v '\.\(mod\|sum\)$' | LC_ALL=C sort | xargs cat | sha256sum | cut -c1-64); }
need_build() { [ "$(cat "$ROOT/dist/.sources" 2>/dev/null)" != "$(sources_stamp)" ]; }
do_build() {
  (cd "$ROOT" && npm run -s build)
  sources_stamp >"$ROOT/dist/.sources"
}

TERRAFORM_VERSION=1.11.4
declare -A TERRAFORM_SHA256=(
  [amd64]=1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc
  [arm64]=a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633
)

need_terraform() { ! command -v "$TERRAFORM_BIN" >/dev/null; }
do_terraform() {
  local arch zip url
  arch=$(dpkg --print-architecture)
  zip=$(mktemp -d)/terraform.zip
  url=${TERRAFORM_BASE_URL:-https://releases.hashicorp.com/terraform}/$TERRAFORM_VERSION/terraform_${TERRAFORM_VERSION}_linux_$arch.zip
  [ -n "${TERRAFORM_SHA256[$arch]:-}" ] || fail "there is no pinned Terraform for $arch; install terraform or tofu yourself and run this again"
  curl -fsSL --retry 2 --connect-timeout 15 -o "$zip" "$url" ||
    fail "Terraform could not be downloaded from $url. Install terraform $TERRAFORM_VERSION or newer, or tofu, add it to PATH or set TERRAFORM_BIN, and run this again."
  echo "${TERRAFORM_SHA256[$arch]}  $zip" | sha256sum --check --quiet - ||
    fail "the download from $url does not match the pinned checksum; nothing was installed"
  install -d -m 0755 "$CACHE_DIR/bin"
  unzip -o -q "$zip" terraform -d "$CACHE_DIR/bin"
  rm -rf "$(dirname "$zip")"
}

# OpenTofu, where somebody wants it and the machine has none: from the pinned Go modules (checksums in go.sum).
tofu_stamp() { sha256sum "$ROOT/engine/machine/terraform/opentofu/go.sum" | cut -c1-16; }
# not on PATH, where a start on a machine without Terraform would take it up
need_tofu() { ! command -v tofu >/dev/null && [ "$(cat "$CACHE_DIR/opentofu/built-from" 2>/dev/null)" != "$(tofu_stamp)" ]; }
do_tofu() {
  command -v go >/dev/null || fail "neither OpenTofu nor Go is installed: install one of them and run this again"
  install -d -m 0755 "$CACHE_DIR/opentofu"
  (cd "$ROOT/engine/machine/terraform/opentofu" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags='-s -w' -o "$CACHE_DIR/opentofu/tofu.new" github.com/opentofu/opentofu/cmd/tofu)
  mv "$CACHE_DIR/opentofu/tofu.new" "$CACHE_DIR/opentofu/tofu"
  tofu_stamp >"$CACHE_DIR/opentofu/built-from"
}
