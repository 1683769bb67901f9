#!/bin/sh
# What `make lint` does: lint.sh FILE.c ...  Runs everything, then fails if
# anything complained.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

step()
{
	echo "lint: $1"
	shift
	"$@" || bad=1
}

flags="-std=c11 -D_GNU_SOURCE -DNWSD_VERSION=\"0\" -I."

tidy()
{
	# shellcheck disable=SC2086
	printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 sh -c \
	    'clang-tidy --quiet "$@" -- '"'$flags'"' 2>/dev/null' tidy
}

check()
{
	cppcheck --quiet --std=c11 --inline-suppr --error-exitcode=1 \
	    --enable=warning,performance,portability -j "$(nproc)" \
	    --suppress=missingIncludeSystem --suppress=preprocessorErrorDirective \
	    -D_GNU_SOURCE -D__linux__ -DNWSD_VERSION='"0"' -I. "$@"
}

node_check()
{
	for f in tests/live/*.mjs tests/web/*.mjs $(find frontend/www contrib \
	    tests/bench -name '*.mjs' 2>/dev/null); do
		node --check "$f" || return 1
	done
}

step clang-format clang-format --dry-run -Werror "$@"
step clang-tidy tidy "$@"
step cppcheck check "$@"
step mandoc mandoc -Tlint -Wstyle man/*.[1578]
step node node_check
# shellcheck disable=SC2046
step shellcheck shellcheck .ci/run $(find tests contrib -name '*.sh' \
    -not -path '*/node_modules/*')
exit $bad
