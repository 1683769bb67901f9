#!/bin/bash
# Runs parts of the tests: run.sh unit conf fuzz deb live net web.  Builds what
# they need first.  The last line is the sum: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/.." || exit 1

make="make --no-print-directory"
# The Node that setup.sh got where the machine's own is too old.
for d in "$PWD"/tests/node/node_modules/node-linux-*/bin; do
	[ ! -x "$d/node" ] || PATH=$d:$PATH
done
passed=0 failed=0 skipped=0
# Test files beside each other; each has daemons of its own.
together=${TEST_CONCURRENCY:-2}
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

count()
{
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

build()
{
	local log=$out/build.log

	if $make -j"$(nproc)" "$@" >"$log" 2>&1; then
		return 0
	fi
	cat "$log"
	echo "FAILED: make $*"
	count 0 1 0
	return 1
}

# cmocka says "[  PASSED  ] 3 test(s)" and so on, on standard error.
number()
{
	sed -n "s/^\[ *$1 *\] \([0-9]*\) test(s).*/\1/p" "$2" | head -n 1
}

unit()
{
	local dir t log p f s code leaks

	for dir in build build-asan; do
		[ $dir = build ] && { build unit || return; }
		[ $dir = build ] || { build unit-asan || return; }
		for t in tests/unit/*_test.c; do
			t=$(basename "$t" .c)
			log=$out/$t
			# These fork whole processes, which free nothing when
			# they end.
			leaks=1
			case $t in router_* | frontend_*) leaks=0 ;; esac
			ASAN_OPTIONS=detect_leaks=$leaks \
			    timeout 120 $dir/unit/"$t" >"$log" 2>&1
			code=$?
			p=$(number PASSED "$log") f=$(number FAILED "$log")
			s=$(number SKIPPED "$log")
			if [ $code -ne 0 ]; then
				cat "$log"
				echo "FAILED: $dir/unit/$t (exit $code)"
				[ "${f:-0}" -gt 0 ] || f=1
			fi
			count "${p:-0}" "${f:-0}" "${s:-0}"
		done
		echo "unit tests in $dir: done"
	done
}

# A script that says `ok ...' for what passed and has the sum in its last line.
script()
{
	local line

	"$@" >"$out/script" 2>&1
	grep -v '^ok ' "$out/script" | sed '$d'
	line=$(tail -n 1 "$out/script" | tr -cd '0-9 ')
	# shellcheck disable=SC2086
	count ${line:-0 1 0}
}

conf()
{
	build all || return
	script tests/conf/run.sh "$PWD/build/nwsd"
	echo "configuration tests: done"
}

deb()
{
	build deb || return
	script tests/deb/run.sh build-deb/nwsd_*.deb
	echo "package: done"
}

fuzz()
{
	local t name

	build replay || return
	for t in tests/fuzz/*_fuzz.c; do
		t=$(basename "$t" .c) name=${t%_fuzz}
		if timeout 300 "build-asan/replay/$t" \
		    "tests/fuzz/corpus/$name" >"$out/$t" 2>&1; then
			count 1 0 0
		else
			cat "$out/$t"
			echo "FAILED: corpus of $t"
			count 0 1 0
		fi
	done
	echo "fuzz corpora: done"
}

node_files()
{
	local tap=$out/tap

	node --test --test-concurrency="$together" \
	    --test-reporter=./tests/live/reporter.mjs \
	    --test-reporter-destination=stdout \
	    --test-reporter=tap --test-reporter-destination="$tap" "$@"
	local code=$? p f s
	p=$(sed -n 's/^# pass //p' "$tap" | tail -n 1)
	f=$(sed -n 's/^# fail //p' "$tap" | tail -n 1)
	s=$(sed -n 's/^# skipped //p' "$tap" | tail -n 1)
	local c
	c=$(sed -n 's/^# cancelled //p' "$tap" | tail -n 1)
	f=$((${f:-0} + ${c:-0}))
	[ $code -eq 0 ] || [ "$f" -gt 0 ] || f=1
	count "${p:-0}" "$f" "${s:-0}"
}

live()
{
	build all && build asan || return
	local files=() f
	for f in tests/live/*.test.mjs; do
		# The soak has the machine for itself.
		[ "$f" = tests/live/soak.test.mjs ] || files+=("$f")
	done
	node_files "${files[@]}"
	# What parses bytes of strangers, once more with the sanitizers.
	NWSD_BUILD=build-asan node_files tests/live/conformance.test.mjs \
	    tests/live/access.test.mjs tests/live/libp2p.test.mjs \
	    tests/live/files.test.mjs \
	    tests/live/attack*.test.mjs
	node_files tests/live/soak.test.mjs
}

# Networks of pretended machines; each test has its own.
net()
{
	build all && build asan || return
	node_files tests/net/*.test.mjs
	# With the sanitizers: what strangers on the network can do most about.
	NWSD_BUILD=build-asan node_files tests/net/once.test.mjs \
	    tests/net/flood.test.mjs
}

web()
{
	build all || return
	node_files tests/web/*.test.mjs
}

[ $# -gt 0 ] || set -- unit conf fuzz deb live net web
for part; do
	case $part in
	unit | conf | fuzz | deb | live | net | web) "$part" ;;
	*)
		echo "usage: $0 [unit] [conf] [fuzz] [deb] [live] [net] [web]" >&2
		exit 2
		;;
	esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
