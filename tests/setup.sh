#!/bin/sh
# Installs the Debian packages that are missing: setup.sh build | test | deb.
# `build` is what `make run` needs, `test` that and what `make test` needs,
# `deb` what `make deb` needs.
# Where it may not install, it prints the line to run and exits 1.
set -u

build="gcc libc6-dev make pkg-config libevent-dev libssl-dev zlib1g-dev
    libbsd-dev libseccomp-dev libcjson-dev libsodium-dev"
package="build-essential debhelper fakeroot"
tests="libcmocka-dev python3 mandoc iproute2 procps
    strace chromium clang libclang-rt-14-dev clang-tidy clang-format cppcheck
    shellcheck avahi-daemon avahi-utils dbus tshark lintian systemd
    $package"

case ${1-} in
build)	want=$build ;;
test)	want="$build $tests" ;;
deb)	want="$build $package" ;;
*)	echo "usage: $0 build | test | deb" >&2; exit 2 ;;
esac

# The tests start their own avahi and D-Bus.  What is installed here for them
# is not started now: policy-rc.d says so, if nobody else made one.
policy=/usr/sbin/policy-rc.d
quietly()
{
	made=
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null &&
		    $sudo chmod 755 $policy && made=1
	fi
	"$@"
	code=$?
	[ -z "$made" ] || $sudo rm -f $policy
	return $code
}

# A node in /usr/local is as good as Debian's.
node_is_there()
{
	command -v node >/dev/null && command -v npm >/dev/null
}

# What tests/package.json asks for.
node_is_new()
{
	node -e 'const [a, b] = process.versions.node.split(".");
	    process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'
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
	# sudo passes no environment on.
	apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get"
	# shellcheck disable=SC2086
	quietly $apt install -yq --no-install-recommends $need >/dev/null ||
	    { $apt update -q && quietly $apt install -yq \
	    --no-install-recommends $need; } || exit 1
fi

[ "$1" = test ] || exit 0
cd "$(dirname "$0")" || exit 1
install_locked()
{
	cmp -s package-lock.json node_modules/.installed && return
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error &&
	    cp package-lock.json node_modules/.installed
}
# Debian 12 has Node 18; run.sh takes this one then.
node_is_new || (cd node && install_locked) || exit 1
install_locked
