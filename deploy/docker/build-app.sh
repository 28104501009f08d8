#!/bin/sh
# Node modules and the compiled service in /app. Modules come from the registry as package-lock.json pins them, or from
# deploy/offline (scripts/docker-offline.sh puts them there, held to the same lock).
set -eu
cd /app
if [ -f /offline/node_modules.tar ]; then
  [ "$(cat /offline/lock-sha256)" = "$(sha256sum package-lock.json | cut -c1-64)" ] || {
    echo 'deploy/offline is of another package-lock.json: run scripts/docker-offline.sh again' >&2
    exit 1
  }
  tar -xf /offline/node_modules.tar
else
  # the database is in a container of its own: no embedded PostgreSQL
  npm ci --omit=dev --omit=optional --no-audit --no-fund
fi
node node_modules/typescript/bin/tsc -p tsconfig.json
cp -r templates dist/templates
# what only the compiler needed
rm -rf node_modules/typescript node_modules/@types node_modules/.package-lock.json node_modules/.bin
