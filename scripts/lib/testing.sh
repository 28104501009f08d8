# shellcheck shell=bash
# What the test runs share: settings of their own in a directory of their own, the guest image they use most, the end.

# The settings of a service that runs on this machine are not the tests'.
load_test_environment() {
  export WITH_DEV=1 IMAGE=micro NODE_ENV=test
  unset DATABASE_URL
  DATA_DIR=$(mktemp -d /tmp/webhoster-test.XXXXXX)
  export DATA_DIR
  load_environment
}

image_missing() { ! webhoster image verify "$1" >/dev/null 2>&1; }
need_micro() { image_missing micro; }
do_micro() { webhoster image build micro; }

end_test_environment() {
  stop_own_libvirt
  rm -rf "$DATA_DIR"
}
