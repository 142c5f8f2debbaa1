#!/bin/sh
# Process 1 of the board's machine: a loopback camera that is shown a face, the daemon, claimed at the server on the host.
# Told beforehand are SERVER, CODE and CA of the claim.
export PATH=/bin HOME=/tmp
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp; mount -t tmpfs run /run
say() { echo "LAB $*"; }
end() { echo LAB-END; sleep 2; poweroff -f; }
fail() { say "$1 FAILED"; tail -n 25 /tmp/log 2>/dev/null | cut -c1-240; end; }
while read -r module; do
    case $module in v4l2loopback.*) insmod "/modules/$module" devices=1 video_nr=0 exclusive_caps=1 card_label=door ;; *) insmod "/modules/$module" ;; esac
done </modules/order || say "modules FAILED"
. /told
ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2
say "machine ok $(uname -m), $(uname -r), $(date)"
now() { date +%s; }
# until_is SECONDS COMMAND...: waits for it, and says how long that took.
until_is() { limit=$1; shift; begun=$(now); while ! "$@" >/dev/null 2>&1; do TOOK=$(($(now) - begun)); [ "$TOOK" -ge "$limit" ] && return 1; sleep 1; done; TOOK=$(($(now) - begun)); }
cat >/tmp/ostiaryd.toml <<'CONFIG'
[device]
state_dir = "/tmp/state"
[camera]
source = "v4l2"
device = "/dev/video0"
fps = 3
[models]
pack_dir = "/pack"
[health]
interval_s = 5
socket = "/tmp/status.sock"
CONFIG
daemon() { ostiaryd --config /tmp/ostiaryd.toml "$@"; }
figures() { daemon status --json 2>/dev/null | tr ',{}' '\n\n\n' | sed -n 's/^"\([a-z_]*\)":\([0-9.]*\).*/\1 \2/p'; }
figure() { figures | awk -v name="$1" '$1 == name { printf "%d", $2 }'; }
above() { figures | awk -v name="$1" -v least="$2" '$1 == name && $2 > least { found = 1 } END { exit !found }'; }
visits() { figures | awk '/^ostiary_visits_(match|unknown|unusable|spoof_suspected)_total/ { visits += $2 } /^ostiary_outbox_events / { waiting = $2 } END { exit !(visits > 0 && waiting == 0) }'; }

OSTIARY_FEED=/clip.mjpeg OSTIARY_FEED_FPS=3 /tests/ostiary_daemon --ignored --exact source::v4l2::feed_tests::shows_a_clip_to_a_loopback_camera >/tmp/feed 2>&1 &
if until_is 60 sh -c 'ostiaryd probe-camera | grep -q Jpeg'; then say "camera ok $(ostiaryd probe-camera | tail -n 1)"; else cat /tmp/feed; ostiaryd probe-camera; fail camera; fi
if daemon claim --server "$SERVER" --code "$CODE" --ca-sha256 "$CA" >/tmp/log 2>&1; then say "claim ok"; else fail claim; fi
daemon run >/tmp/log 2>&1 &
if until_is 120 above ostiary_mqtt_connected 0; then say "connected ok ${TOOK} s"; else fail connected; fi
if until_is 120 above ostiary_frames_total 3; then say "frames ok ${TOOK} s"; else cat /tmp/feed; fail frames; fi
if until_is 500 visits; then say "visit ok decided after ${TOOK} s, $(figure ostiary_events_acked_total) events acknowledged, $(($(figure process_resident_memory_bytes) / 1000000)) MB resident"; else daemon status; fail visit; fi
end
