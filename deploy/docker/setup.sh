#!/bin/sh
# What is done once on a machine before the service runs there; safe to repeat.
#   setup image | node | webhoster ARGUMENT...
set -eu
case ${1:-} in
image)
  # the worker sees CACHE_DIR, as libvirt does, and not this image's /opt
  if ! cmp -s /opt/vm-webhoster/providers/.built-from "$CACHE_DIR/providers/.built-from"; then
    mkdir -p "$CACHE_DIR/providers"
    cp -r /opt/vm-webhoster/providers/. "$CACHE_DIR/providers/"
  fi
  # "auto" boots the small image's kernel to see whether KVM works
  if [ "${DOMAIN_TYPE:-auto}" = auto ] && [ -w /dev/kvm ]; then webhoster image build micro; fi
  exec webhoster image build "${IMAGE:-debian-13}"
  ;;
node) exec webhoster node prepare ;;
*) exec "$@" ;;
esac
