#!/bin/sh
# Configurations, with the nwsd given as argument (build/nwsd without one).
# NAME.in prints as NAME.ok (nwsd -nv), which prints as itself; NAME.bad is
# refused with the messages in NAME.err.  NAME.args holds more arguments, one in
# a line.  Every example in contrib/ and man/nwsd.conf.5 is accepted.
set -u
cd "$(dirname "$0")/../.." || exit 1
nwsd=${1:-build/nwsd}
case $nwsd in
/*) ;;
*) nwsd=$PWD/$nwsd ;;
esac
if [ ! -x "$nwsd" ]; then
	echo "$nwsd: not there; make it first" >&2
	exit 1
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
top=$PWD
passed=0 failed=0 skipped=0

# Our own copies: nwsd wants a file with a secret to be private.
umask 077
for f in tests/conf/* tests/conf/include/*; do
	test -f "$f" || continue
	mkdir -p "$tmp/$(dirname "${f#tests/conf/}")"
	cat "$f" > "$tmp/${f#tests/conf/}"
done
cd "$tmp" || exit 1

ok() {
	passed=$((passed + 1))
	echo "ok $1"
}

not_ok() {
	failed=$((failed + 1))
	echo "not ok $1"
	sed 's/^/# /' "$2"
}

# same NAME WANTED GOT
same() {
	if diff -u "$2" "$3" > diff.txt; then
		ok "$1"
	else
		not_ok "$1" diff.txt
	fi
}

# check FILE [ARGUMENT...]: nwsd -nv; code in $code, out.txt, err.txt
check() {
	file=$1
	shift
	"$nwsd" -nv -f "$file" "$@" > out.txt 2> err.txt
	code=$?
}

# arguments of a case, if it has any
check_case() {
	set -- "$1"
	if [ -f "${1%.*}.args" ]; then
		while IFS= read -r arg; do
			set -- "$@" "$arg"
		done < "${1%.*}.args"
	fi
	check "$@"
}

for f in *.in; do
	name=${f%.in}
	check_case "$f"
	if [ "$code" -ne 0 ]; then
		not_ok "$name: accepted" err.txt
		continue
	fi
	same "$name: prints" "$name.ok" out.txt
	cp out.txt again.conf
	check again.conf
	same "$name: prints the same again" again.conf out.txt
done

for f in *.bad; do
	name=${f%.bad}
	check_case "$f"
	if [ "$code" -ne 1 ] || [ -s out.txt ]; then
		echo "exit code $code, expected 1 and no output" > why.txt
		not_ok "$name: refused" why.txt
		continue
	fi
	same "$name: says why" "$name.err" err.txt
done

# accepted NAME FILE: an example, and its print the same again
accepted() {
	check "$2"
	if [ "$code" -ne 0 ]; then
		not_ok "$1: accepted" err.txt
		return
	fi
	cp out.txt again.conf
	check again.conf
	same "$1: accepted" again.conf out.txt
}

# examples of the daemon's own, in any file that says so by its name
find "$top/contrib" -name '*nwsd*.conf' ! -path '*/systemd/*' \
    ! -path '*/sysusers.d/*' ! -path '*/tmpfiles.d/*' | sort > list.txt
while IFS= read -r f; do
	cat "$f" > example.conf
	accepted "${f#"$top"/}" example.conf
done < list.txt

# with its settings uncommented, the installed file says what is built in
if [ -f "$top/contrib/nwsd.conf" ]; then
	sed 's/^#\([a-z]\)/\1/' "$top/contrib/nwsd.conf" > example.conf
	check example.conf
	cat err.txt >> out.txt
	cat empty.ok > again.conf
	echo "configuration OK" >> again.conf
	same "contrib/nwsd.conf: has the defaults" again.conf out.txt
fi

# each literal block of the man page is a configuration by itself
page=$top/man/nwsd.conf.5
if [ -f "$page" ]; then
	awk '
	/^\.Bd -literal/ { n++; on = 1; next }
	/^\.Ed/ { on = 0; next }
	on { gsub(/\\e/, "\\"); gsub(/\\&/, ""); gsub(/\\\(dq/, "\"")
	    print > ("page." n) }
	' "$page"
	# What the examples include.
	: > site.conf
	for f in page.*; do
		test -f "$f" || continue
		accepted "nwsd.conf(5), example ${f#page.}" "$f"
	done
	# What the unit for systemd lets nwsd write to in /run.
	own=$(sed -n 's/^RuntimeDirectory=//p' \
	    "$top/contrib/systemd/nwsd.service")
	cat "$page" "$top/contrib/nwsd.conf" | grep -o 'unix "/run/[^"]*"' |
	    grep -v "^unix \"/run/$own/" > out.txt
	: > again.conf
	same "sockets of the examples: where the unit allows them" \
	    again.conf out.txt
else
	skipped=$((skipped + 1))
	echo "skip nwsd.conf(5): no page"
fi

echo "$passed passed, $failed failed, $skipped skipped"
test "$failed" -eq 0
