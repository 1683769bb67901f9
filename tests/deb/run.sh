#!/bin/bash
# The Debian package: run.sh DEB.  Looks at it, then installs it into a copy of
# this machine's files that is thrown away (an overlay, in namespaces of its
# own), uses it there and removes it again.  The last line is the sum.
set -u
deb=$(realpath "$1")
passed=0 failed=0 skipped=0
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

check() # WHAT COMMAND...
{
	local what=$1
	shift
	if "$@" >"$out/log" 2>&1; then
		passed=$((passed + 1))
		echo "ok $what"
	else
		failed=$((failed + 1))
		cat "$out/log"
		echo "FAILED: $what"
	fi
}

# The unit as installed: without errors, and as closed as it is meant to be.
unit()
{
	local service=$out/root/lib/systemd/system/nwsd.service

	dpkg-deb -x "$deb" "$out/root" &&
	    sed -i "s|/usr/sbin/nwsd|$out/root&|" "$service" &&
	    systemd-analyze verify --man=no "$service" &&
	    systemd-analyze security --offline=true --threshold=25 "$service"
}

# In the copy, as root, with a loopback and no other network.
inside()
{
	cat <<-'EOT'
	set -ex
	ip link set lo up
	mount -t tmpfs tmpfs "$1"
	mkdir "$1/upper" "$1/work" "$1/root"
	mount -t overlay overlay "$1/root" \
	    -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work"
	mount -t proc proc "$1/root/proc"
	mount --rbind /dev "$1/root/dev"
	mount -t tmpfs tmpfs "$1/root/run"
	cp "$2" "$1/root/run/nwsd.deb"
	exec chroot "$1/root" sh -ex <<-'EOF'
		dpkg -i /run/nwsd.deb
		getent passwd _nwsd
		nwsd -n
		mkdir -p /run/nwsd
		nwsd
		i=0
		until echo hello | nws -p chat; do test $((i += 1)) -lt 1000; done
		nwsctl show processes
		test "$(ps -o user= -C nwsd | sort | uniq -c | xargs)" = \
		    "4 _nwsd 1 root"
		man -w nwsd nwsd.conf nwsctl nws nws-protocol nws-link nws-ipc
		nwsctl origin deny https://example.org
		test -e /var/lib/nwsd/origins
		dpkg --purge nwsd
		test ! -e /etc/nwsd.conf
		test ! -e /var/lib/nwsd
	EOF
	EOT
}

# It is not uploaded to Debian, where a first package closes a bug.
check "lintian has nothing to say" lintian --allow-root \
    --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs \
    "$deb"
check "the systemd unit" unit
if [ "$(id -u)" != 0 ]; then
	skipped=1
	echo "skip installed, used, removed: needs root"
else
	mkdir "$out/copy"
	inside >"$out/inside.sh"
	check "installed, used, removed" unshare --mount --net --pid --fork \
	    --propagation private sh "$out/inside.sh" "$out/copy" "$deb"
fi
echo "$passed passed, $failed failed, $skipped skipped"
test "$failed" -eq 0
