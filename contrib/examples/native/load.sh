#!/bin/sh
# Publishes the load of this machine every two seconds, for the page
# /examples/pubsub.html and for `nws load` on every machine of the network:
#
#     sh load.sh [TOPIC]
#
# Options for nws(1), such as -H host:port, are taken from NWS_OPTIONS.
# shellcheck disable=SC2086
set -u
topic=${1-load}

# One connection for all of it.  -P: as publishers and subscribers do not need
# to know of each other.  When nws ends, so does the loop, with its next line.
while LC_ALL=C uptime | sed 's/.*average[s]*: *//; s/[, ].*//'; do
	sleep 2
done | nws ${NWS_OPTIONS-} -p -P "$topic"
