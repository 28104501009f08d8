#!/bin/sh
# Redis for what may be lost: counters and caches. Nothing is written to disk.
set -eu
umask 077
# in a file: a command line can be read by others
cat >/tmp/redis.conf <<CONF
bind 0.0.0.0
port 6379
save ""
appendonly no
dir /tmp
maxmemory ${MAX_MEMORY:-64mb}
maxmemory-policy volatile-lru
requirepass $(cat /run/secrets/redis_password)
CONF
exec redis-server /tmp/redis.conf
