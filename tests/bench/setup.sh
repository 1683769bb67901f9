#!/bin/sh
# Installs what the benchmarks need from Debian, when it is not there: the
# rivals, and a compiler for the load generator.  No service is started.
set -e

lacking=
need() {	# file package...
	for path in "/usr/sbin/$1" "/usr/bin/$1" "$1"; do
		[ -e "$path" ] && return
	done
	shift
	lacking="$lacking $*"
}
need cc gcc libc6-dev
need python3 python3
need openssl openssl
need taskset util-linux
need ip iproute2
need nginx nginx-light
need /usr/lib/nginx/modules/ngx_nchan_module.so libnginx-mod-nchan
need nats-server nats-server
need mosquitto mosquitto
need node nodejs
need npm npm
[ -n "$lacking" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	if command -v sudo >/dev/null; then
		exec sudo "$0"
	fi
	echo "left out, because not installed:$lacking" >&2
	exit 0
fi

# invoke-rc.d(8): 101 forbids to start what is being installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi
apt-get update
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive \
	apt-get install -y --no-install-recommends $lacking
