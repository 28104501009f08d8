#!/bin/sh
# PostgreSQL with one role and one database, made at the first start; the password comes from a file.
set -eu
umask 077
version=17
bin=/usr/lib/postgresql/$version/bin
# a directory for each major version: a newer image must never open an older one's files
data=/data/$version

if [ ! -s "$data/PG_VERSION" ]; then
  rm -rf "$data.new"
  "$bin/initdb" --pgdata="$data.new" --username=vm_webhoster --pwfile=/run/secrets/postgres_password \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --data-checksums
  # to everybody in the container's network, with the password
  echo 'host all all all scram-sha-256' >>"$data.new/pg_hba.conf"
  echo 'CREATE DATABASE vm_webhoster;' | "$bin/postgres" --single -D "$data.new" -c unix_socket_directories='' template1 >/dev/null
  # by one rename: a start that was cut short begins again
  mv "$data.new" "$data"
fi
exec "$bin/postgres" -D "$data" -c listen_addresses='*' -c unix_socket_directories='' -c max_connections="${MAX_CONNECTIONS:-200}" \
  -c shared_buffers="${SHARED_BUFFERS:-128MB}"
