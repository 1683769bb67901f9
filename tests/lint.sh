#!/bin/bash
# What `make lint` does: lint.sh FILE.c ...  Runs everything, then fails if
# anything complained.
# shellcheck disable=SC2317
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

step()
{
	echo "lint: $1"
	shift
	"$@" || bad=1
}

# Like clang-format but for columns and line breaks; no line above 80 columns.
format()
{
	local f a b style wrong=0

	a=$(mktemp) b=$(mktemp) style=$(mktemp)
	# With no limit it leaves line breaks where they are.
	sed 's/^ColumnLimit:.*/ColumnLimit: 0/' .clang-format >"$style"
	for f; do
		awk -f tests/knf.awk "$f" >"$a"
		clang-format --style="file:$style" "$f" | awk -f tests/knf.awk >"$b"
		diff -U0 --label "$f" --label "$f, formatted" "$a" "$b" ||
		    wrong=1
	done
	rm -f "$a" "$b" "$style"
	for f in $(git ls-files -co --exclude-standard '*.h') "$@"; do
		expand "$f" | grep -nHE --label="$f" '^.{81}|[[:space:]]$' &&
		    wrong=1
	done
	return "$wrong"
}

tidy()
{
	# shellcheck disable=SC2016
	printf '%s\n' "$@" | grep -v '^tests/' | xargs -P "$(nproc)" -n 4 sh -c '
	    clang-tidy --quiet "$@" -- -std=c11 -D_GNU_SOURCE -I. \
	    -DNWSD_VERSION=\"0\" 2>/dev/null' tidy
}

check()
{
	local headers

	# The macros of lists and trees, which cppcheck has to see to parse.
	headers=$(printf '#include <sys/queue.h>\n#include <bsd/sys/tree.h>\n' |
	    cc -M -xc - | grep -oE '[^ ]*/(queue|tree)\.h' |
	    sed 's/^/--include=/')
	# shellcheck disable=SC2046,SC2086
	cppcheck --quiet --std=c11 --inline-suppr --error-exitcode=1 \
	    --enable=warning,performance,portability -j "$(nproc)" $headers \
	    --suppress=missingIncludeSystem --suppress=preprocessorErrorDirective \
	    --suppress='*:/usr/*' \
	    -D_GNU_SOURCE -D__linux__ -DNWSD_VERSION='"0"' -I. \
	    $(printf '%s\n' "$@" | grep -v '^tests/')
}

# A page of our own that is not installed yet is no mistake.
manuals()
{
	! mandoc -Tlint -Wstyle man/*.[1578] 2>&1 |
	    grep -v 'referenced manual not found: Xr nws\|outdated mandoc.db'
}

node_check()
{
	for f in tests/live/*.mjs tests/web/*.mjs $(find frontend/www contrib \
	    tests/bench -name '*.mjs' 2>/dev/null); do
		node --check "$f" || return 1
	done
}

# The flags are such that a compiler for another machine takes them.
flags()
{
	local cc='clang --target=aarch64-linux-gnu'

	# shellcheck disable=SC2046
	echo | $cc $(make -n -B CC="$cc" build/common/rate.o |
	    sed -n "s/.* \(-O2 .*\) -MMD.*/\1/p") -xc -c -o /dev/null -
}

step format format "$@"
step clang-tidy tidy "$@"
step cppcheck check "$@"
step flags flags
step mandoc manuals
step node node_check
# shellcheck disable=SC2046
step shellcheck shellcheck .ci/run $(find tests contrib -name '*.sh' \
    -not -path '*/node_modules/*')
exit $bad
