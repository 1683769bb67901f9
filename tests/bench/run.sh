#!/bin/sh
# make bench: measures build/nwsd beside its rivals and the limits.
# Usage: run.sh [quick|full]   quick takes a few minutes, full about an hour.
#
# Leaves in $BENCH_DIR (build/bench): results.jsonl, one line for each
# measurement; results.json, the medians; results.md, the tables.
set -e
here=$(cd "$(dirname "$0")" && pwd)
BENCH_DIR=${BENCH_DIR:-$here/../../build/bench}
export BENCH_DIR

case ${1:-quick} in
quick)	set -- -c quick -r 3 --duration 0.7 --attempts 1 --quiet 3 ;;
full)	set -- -r 5 ;;
*)	echo "usage: run.sh [quick|full]" >&2
	exit 2 ;;
esac

mkdir -p "$BENCH_DIR"
"$here/setup.sh"
"$here/compare.py" build
if [ -e "$BENCH_DIR/results.jsonl" ]; then
	mv "$BENCH_DIR/results.jsonl" "$BENCH_DIR/results.old.jsonl"
fi
"$here/compare.py" run "$@"
"$here/compare.py" records "$@"
"$here/compare.py" report --json "$BENCH_DIR/results.json" \
	>"$BENCH_DIR/results.md"
cat "$BENCH_DIR/results.md"
