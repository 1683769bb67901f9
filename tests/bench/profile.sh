#!/bin/sh
# What takes nwsd's time in steady fan-out, by perf(1): many messages in flight
# to 100 members, and one at a time to 1,000.  Arguments go to steady.py.
set -e
here=$(cd "$(dirname "$0")" && pwd)

if ! perf record -q -e cpu-clock -o /dev/null true >/dev/null 2>&1; then
	echo "profile.sh: perf is missing, or may not sample here" >&2
	exit 1
fi
"$here/compare.py" build
"$here/steady.py" perf "$@"
exec "$here/steady.py" perf --subs 1000 --window 1 "$@"
