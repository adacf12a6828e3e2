#!/bin/sh
# Installs exactly what package-lock.json names and rebuilds webui/static/vendor. Needs Node 20 and npm; only for those
# who change the browser libraries.
set -eu
cd "$(dirname "$0")"
npm ci --ignore-scripts --no-audit --no-fund
node build.mjs
