#!/bin/sh
# Traces frontend and router in steady fan-out, many in flight and one at a
# time, and fails when one of them asks for memory or writes more than once to
# a member in one turn.  Arguments go to steady.py.
set -e
here=$(cd "$(dirname "$0")" && pwd)

if ! command -v strace >/dev/null; then
	echo "syscalls.sh: strace is missing" >&2
	exit 1
fi
"$here/compare.py" build
"$here/steady.py" syscalls "$@"
"$here/steady.py" syscalls --window 1 "$@"
