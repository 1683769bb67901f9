#!/bin/sh
# Installs what the rival on Node needs under $1, from the lock file.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=${1:?usage: build.sh FOLDER}

if ! command -v npm >/dev/null; then
	echo "npm is missing: the rival on Node is left out"
	exit 0
fi
mkdir -p "$work/node"
if [ -d "$work/node/node_modules/ws" ] &&
    cmp -s "$here/package-lock.json" "$work/node/package-lock.json"; then
	exit 0
fi
cp "$here/package.json" "$here/package-lock.json" "$work/node/"
# Nothing is compiled: bufferutil brings binaries along.
cd "$work/node" && npm ci --ignore-scripts --no-audit --no-fund --silent ||
	echo "npm failed: the rival on Node is left out"
