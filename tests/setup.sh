#!/bin/sh
# Installs the Debian packages that are missing: setup.sh build | test.
# `build` is what `make run` needs, `test` that and what `make test` needs.
# Where it may not install, it prints the line to run and exits 1.
set -u

build="gcc libc6-dev make pkg-config libevent-dev libssl-dev zlib1g-dev
    libbsd-dev libseccomp-dev libcjson-dev"
tests="libcmocka-dev libsodium-dev python3 mandoc iproute2 procps
    strace chromium clang libclang-rt-14-dev clang-tidy clang-format cppcheck
    shellcheck"

case ${1-} in
build)	want=$build ;;
test)	want="$build $tests" ;;
*)	echo "usage: $0 build | test" >&2; exit 2 ;;
esac

# A node in /usr/local is as good as Debian's.
node_is_there()
{
	command -v npm >/dev/null &&
	    node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' \
	    2>/dev/null
}

missing()
{
	for p in $want; do
		# shellcheck disable=SC2016
		s=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)
		[ "$s" = installed ] || printf ' %s' "$p"
	done
	[ "$1" = test ] && ! node_is_there && printf ' nodejs npm'
}

if ! command -v dpkg-query >/dev/null; then
	echo "setup: this is no Debian: install by hand what README lists" >&2
	exit 0
fi
need=$(missing "$1")
if [ -n "$need" ]; then
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	if [ -n "$sudo" ] && ! sudo -n true 2>/dev/null; then
		echo "setup: packages are missing; run:" >&2
		echo "    sudo apt-get install$need" >&2
		exit 1
	fi
	echo "setup: installing$need"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086
	$sudo apt-get install -yq --no-install-recommends $need >/dev/null ||
	    { $sudo apt-get update -q && $sudo apt-get install -yq \
	    --no-install-recommends $need; } || exit 1
fi

[ "$1" = test ] || exit 0
cd "$(dirname "$0")" || exit 1
if ! cmp -s package-lock.json node_modules/.installed; then
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error || exit 1
	cp package-lock.json node_modules/.installed
fi
